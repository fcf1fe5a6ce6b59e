"""What tests/fuzz/sessions is made of: random sessions, what may be said to
them, nodes that come and go, and a canary."""
