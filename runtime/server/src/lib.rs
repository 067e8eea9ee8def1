//! Incidents over HTTP: an API, webhooks and MCP, and no case ever lost.
