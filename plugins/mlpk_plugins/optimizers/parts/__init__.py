"""What several optimizers are made of. No kind is here."""
