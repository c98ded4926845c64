"""The OpenAI-compatible door: chat completions in, one question to one video, a completion out."""
