"""What several metrics are made of. No kind is here."""
