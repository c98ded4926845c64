"""What requests and answers of the routes look like; FastAPI derives the OpenAPI document of it."""
