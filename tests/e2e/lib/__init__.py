"""What end-to-end tests are made of: nodes, raw clients, TAP."""
