"""Plain function approximators. No probability here."""
