"""What a model costs on this machine: counted, measured, and each as a share of the limit."""

from __future__ import annotations

from vidqa.bench.measure import bench_model
from vidqa.bench.report import Report
from vidqa.bench.subject import Subject, find_subject
from vidqa.bench.work import Work

__all__ = ["Report", "Subject", "Work", "bench_model", "find_subject"]
