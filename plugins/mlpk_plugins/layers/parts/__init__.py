"""What several layers are made of: arithmetic on arrays, windows, shape checks. No kind is here."""
