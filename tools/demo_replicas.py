"""Three gateways behind one address over emulated upstreams, sharing cache and budget through a real Redis.

Further arguments go to `meeting-gateway demo`. Ends on Ctrl-C, and the Redis with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from tests.upstream.replicas.redis_server import redis_server  # noqa: E402 - its place is known only now

REPLICAS = 3


def main() -> int:
    """Runs them until they are ended."""
    with redis_server() as redis:
        print(f"\n  Redis      {redis.url}  (redis-cli -u {redis.url} SADD gateway:off DRIFT switches Drift off)")
        command = [sys.executable, "-m", "gateway", "demo", "--workers", str(REPLICAS), *sys.argv[1:]]
        with subprocess.Popen(command, cwd=HERE, env={**os.environ, "GATEWAY_CACHE_URL": redis.url}) as gateways:
            while True:
                try:
                    return gateways.wait()
                except KeyboardInterrupt:  # reaches the gateways too, which end by it
                    continue


if __name__ == "__main__":
    sys.exit(main())
