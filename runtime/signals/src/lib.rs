//! What other systems say of incidents: Alertmanager, Grafana, and whatever sends JSON; and what they are told, signed.
