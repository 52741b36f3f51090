"""asyncio streams."""
