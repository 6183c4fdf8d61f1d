"""Where the two worlds join: a machine under test, scenarios, importers, and the referee that judges."""
