"""One module to a migration. A migration that was released never changes."""
