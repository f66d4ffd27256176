"""What several losses are made of. No kind is here."""
