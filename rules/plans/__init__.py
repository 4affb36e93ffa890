"""Which record a marketing record writes to, as data: one profile for each kind of CRM."""
