"""Exit code 0 when the server answers and reaches its database; run by the health check, inside the container."""

from __future__ import annotations

import sys
from http.client import HTTPConnection

connection = HTTPConnection("127.0.0.1", 8000, timeout=3)
connection.request("GET", "/health")
answer = connection.getresponse()
print(answer.status, answer.read().decode().strip())
sys.exit(answer.status != 200)
