"""Files whose kinds were written by earlier releases: migrations, applied to headers and arrays."""
