"""From a video and a question to a result: one look at the video, one reply, one parse."""
