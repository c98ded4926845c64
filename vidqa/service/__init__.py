"""What the service keeps in its database and its folder: jobs, keys, uploaded videos. No torch."""
