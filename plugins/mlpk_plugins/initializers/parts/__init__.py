"""What several initializers are made of. No kind is here."""
