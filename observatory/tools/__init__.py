"""What an assistant or a script can ask the observatory: one definition for MCP and the shell."""
