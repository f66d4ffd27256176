"""What commands are made of: networks in float64, drawn inputs, slopes. No command is here."""
