"""The plugins that come with mlpk: one folder a family, one kind a file."""
