"""What one would write in Python: smtplib in a pool of threads.

Arguments: host:port, TLS name, CA file, accounts file (login and password, tab between), at once.
"""
import smtplib
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor

place, name, ca, accounts, width = sys.argv[1:]
host, port = place.rsplit(":", 1)
context = ssl.create_default_context(cafile=ca)


class SMTP(smtplib.SMTP_SSL):
    """Connects to the stand-in and verifies the certificate for the real name."""

    def _get_socket(self, _host, port, timeout):
        return context.wrap_socket(socket.create_connection((host, port), timeout), server_hostname=name)


def verify(line):
    login, password = line.rstrip("\n").split("\t")
    try:
        with SMTP(name, int(port), local_hostname="audit.product.example", timeout=30) as smtp:
            smtp.login(login, password)
        return True
    except (smtplib.SMTPException, OSError):
        return False


with open(accounts) as lines, ThreadPoolExecutor(int(width)) as pool:
    results = list(pool.map(verify, lines))
if not all(results):
    sys.exit(f"{results.count(False)} of {len(results)} were refused")
