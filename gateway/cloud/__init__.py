"""The link to the cloud: durable inbox and outbox over any standard MQTT broker (C1 to C5). See README.md."""
