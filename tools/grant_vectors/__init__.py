"""What the published vectors of the grant format are made of; each module is one file of them."""
