"""What several datasets are read with. No dataset is here."""
