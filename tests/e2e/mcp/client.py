"""Drives an investigation through the Python SDK of the protocol.

Usage: client.py MODE stdio PROGRAM FOLDER | client.py MODE http URL AUTHORIZATION; an incident as JSON on standard input. MODE is how
the SDK agrees on a revision: `legacy`, `auto`, or a revision. Prints one JSON object. The SDK holds what tools answer against their
schemas by itself.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError


async def talk(client: Client, incident: dict) -> dict:
    tools, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            break

    said = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        said.append(message)

    found = await client.call_tool("investigate", {"incident": incident}, progress_callback=hear)
    result = found.structured_content
    step = await client.call_tool("change-point", {"case": result["case"]})
    wrong = await client.call_tool("case_show", {"case": "nothing here"})
    try:
        await client.call_tool("review_approve", {"case": result["case"], "proposal": 1})
        approved = True
    except MCPError:
        approved = False
    skill = await client.read_resource("skill://change-point/SKILL.md")
    return {
        "revision": client.protocol_version,
        "tools": tools,
        "said": said,
        "verdict": result["verdict"],
        "suspect": result["suspects"][0]["id"],
        "step": step.structured_content["findings"][0]["kind"],
        "wrong": wrong.is_error,
        "approved": approved,
        "skill": skill.contents[0].text,
    }


async def main() -> None:
    mode, kind, where, how = sys.argv[1:]
    incident = json.load(sys.stdin)
    if kind == "stdio":
        import os

        server = StdioServerParameters(
            command=where, args=["mcp", "--config", "negawatt.toml"], cwd=how, env=dict(os.environ)
        )
        async with Client(server, mode=mode) as client:
            answer = await talk(client, incident)
    else:
        async with httpx2.AsyncClient(headers={"Authorization": how}, timeout=120) as http:
            transport = streamable_http_client(where, http_client=http)
            async with Client(transport, mode=mode) as client:
                answer = await talk(client, incident)
    print(json.dumps(answer))


asyncio.run(main())
