"""The HTTP status of every error that a request can meet; the one place that knows them.

4xx: another request would do better. 5xx: this one was good. What a job ended with has the status
of its code too, for whoever waited for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_CODES: Mapping[int, tuple[str, ...]] = {
    400: (
        *("body_cut_off", "body_not_json", "event_id_invalid", "host_refused"),
        *("multipart_invalid", "page_of_other", "page_token_invalid", "page_token_unreadable"),
        *("tus_header_invalid", "webhooks_off"),
    ),
    401: ("key_invalid", "key_required"),
    403: (
        *("cross_site_refused", "fetching_off", "path_refused", "path_unreadable"),
        *("scope_missing", "url_host_refused", "url_refused"),
    ),
    404: (
        *("archive_missing", "clip_unknown", "generation_unknown", "job_missing", "key_missing"),
        *("nothing_there", "path_missing", "problem_unknown", "route_unknown", "segment_missing"),
        *("upload_missing", "video_missing", "video_not_indexed", "video_unknown"),
    ),
    405: ("method_not_allowed",),
    408: ("body_too_slow",),
    409: (  # a state that is in the way
        *("archive_empty", "archive_moving", "changes_pruned", "claim_lost", "generation_serving"),
        *("idempotency_in_use", "index_busy", "job_cancelled", "job_not_retryable"),
        *("job_unfinished", "lease_lost", "mean_changed", "model_mismatch", "offset_mismatch"),
        *("recipe_mismatch", "video_changed", "video_in_use"),
    ),
    410: ("file_missing", "video_gone"),
    411: ("length_unknown",),
    412: ("tus_version_unsupported",),
    413: ("body_too_large", "file_too_large", "quota_exceeded", "upload_overflow", "url_too_large"),
    415: (  # of a kind that is not taken
        *("codec_unsupported", "media_type_unsupported", "no_video_stream", "not_a_picture"),
        *("not_a_video", "playlist_refused"),
    ),
    416: ("range_impossible",),
    422: (
        # a request that asks for what cannot be
        *("aspect_extreme", "budget_impossible", "budget_too_small", "checksum_differs"),
        *("choices_alike", "clip_empty", "clip_of_picture", "clip_too_long", "config_impossible"),
        *("effort_impossible", "effort_without_search", "format_of_one", "format_unknown"),
        *("frame_rate_impossible", "frame_times_missing", "frames_impossible"),
        *("edit_list_full", "idempotency_key_invalid", "idempotency_mismatch"),
        *("image_has_no_time", "inputs_mismatch", "kind_unknown", "like_outside"),
        *("like_unreadable", "looks_impossible", "page_impossible", "page_size_invalid"),
        *("pool_impossible", "query_count", "query_empty", "query_needs_model"),
        *("request_invalid", "size_impossible", "span_impossible", "strict_without_format"),
        *("time_unreadable", "times_impossible", "times_too_many", "url_invalid"),
        *("verify_without_words", "video_ambiguous", "window_outside", "window_too_short"),
        # a file that cannot be worked on, and how long that may be tried
        *("container_damaged", "decoder_crashed", "decoder_limit", "decoder_timeout"),
        *("ffmpeg_failed", "ffmpeg_timeout", "file_changing", "file_empty"),
        *("file_is_directory", "file_not_regular", "file_unreadable", "frame_too_large"),
        *("frame_unreadable", "streams_too_many", "subtitles_malformed"),
        *("subtitles_unreadable", "undecodable", "video_too_long", "video_unmeasured"),
        *("video_unreadable", "job_timeout"),
    ),
    423: ("upload_busy",),
    429: ("queue_full", "rate_limited", "too_many_jobs", "too_many_requests", "too_many_uploads"),
    460: ("checksum_mismatch",),  # tus 1.0 says so; the registry of HTTP has no such status
    500: ("folder_unwritable", "internal_error", "job_crashed"),
    501: ("ffmpeg_missing",),  # until somebody installs it
    502: ("url_encoding", "url_redirects", "url_status", "url_unreachable"),
    503: (
        *("index_away", "isolation_unavailable", "job_stuck", "memory_short", "not_ready"),
        *("out_of_memory", "pieces_busy", "service_stopping", "worker_lost"),
    ),
    504: ("url_timeout",),
    507: ("disk_full", "service_full", "url_unkept"),
}
STATUS_OF_CODE: Mapping[str, int] = MappingProxyType(
    {code: status for status, codes in _CODES.items() for code in codes}
)
STATUS_OF_STAGE: Mapping[str, int] = MappingProxyType(
    {
        "time": 422,
        "plan": 422,
        "query": 422,
        "video": 422,
        "export": 422,
        "settings": 422,
        "fetch": 422,
        "request": 400,
        "job": 409,
        "service": 500,
        "archive": 500,
        "cache": 500,
        "model": 500,
        "webhook": 500,
    }
)
"""Where a code has no status of its own; an error that may pass is 503, whatever its stage."""
