"""What several callbacks are made of. No kind is here."""
