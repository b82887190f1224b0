"""What the measuring programs here share: requests that are sent when they are due, an endpoint that takes webhooks, and figures."""
import collections, json, multiprocessing, os, re, select, socket, time

CALLERS, HOOK_PORT = 64, 9911


def cpu_ms(pid):
    if not pid:
        return 0
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def whole(buffer):
    """Takes a whole HTTP message off the front of a buffer, as its first line and its body; None if there is none yet."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = re.search(rb"content-length: *(\d+)", bytes(buffer[:end]).lower())
    size = end + 4 + int(length.group(1) if length else 0)
    if len(buffer) < size:
        return None
    message = bytes(buffer[:size])
    del buffer[:size]
    return message.split(b"\r\n", 1)[0], message[end + 4:]


def drive(connect, requests, rate, listeners=(), on_frames=lambda part, now: None, quiet=0.5):
    """Sends requests when they are due, each on a connection that is free. Gives when each was due and answered, and the
    answers that are not a success. `requests` gives bytes; frames of the listeners go to `on_frames`. Ends `quiet` s after the last."""
    poll, due, done, bad = select.epoll(), {}, {}, collections.Counter()
    callers = [connect() for _ in range(CALLERS)]
    by_fd, buffers = {}, {}
    for one in [*callers, *listeners]:
        one.setblocking(False)
        poll.register(one, select.EPOLLIN)
        by_fd[one.fileno()], buffers[one.fileno()] = one, bytearray()
    free, busy = [one.fileno() for one in callers], {}
    waiting, requests, number = collections.deque(), iter(requests), 0
    following = next(requests, None)
    begun = last = time.monotonic()
    while following is not None or waiting or busy or time.monotonic() < last + quiet:
        now = time.monotonic()
        while following is not None and (now >= begun + number / rate if rate else len(waiting) < len(free)):
            due[number] = begun + number / rate if rate else now
            waiting.append((number, following))
            number, following = number + 1, next(requests, None)
        while waiting and free:
            at, text = waiting.popleft()
            fd = free.pop()
            busy[fd] = at
            by_fd[fd].send(text)
        rest = begun + number / rate - time.monotonic() if rate and following is not None else 0.05
        for fd, _ in poll.poll(max(0.0, min(rest, 0.05))):
            part = by_fd[fd].recv(262_144)
            assert part, "the server closed a connection"
            last = time.monotonic()
            if fd not in busy:
                on_frames(part, last)
                continue
            buffers[fd] += part
            answer = whole(buffers[fd])
            if answer:
                at = busy.pop(fd)
                done[at] = last
                free.append(fd)
                if not answer[0].startswith(b"HTTP/1.1 2"):
                    error = json.loads(answer[1])["error"]
                    bad[f"{error['code']}: {error['message'][:60]}"] += 1
    for one in callers:
        one.close()
    return due, done, bad, last - begun


def connect(address):
    one = socket.create_connection(address)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def receive(pipe, number_in):
    """A webhook endpoint: answers 200 at once, and tells in the end when it first got each number."""
    server, poll, seen, open_ = socket.create_server(("127.0.0.1", HOOK_PORT), backlog=4096), select.epoll(), {}, {}
    server.setblocking(False)
    poll.register(server, select.EPOLLIN)
    poll.register(pipe.fileno(), select.EPOLLIN)
    pipe.send("ready")
    while True:
        for fd, _ in poll.poll():
            if fd == pipe.fileno():
                pipe.recv()
                pipe.send(seen)
                seen = {}
            elif fd == server.fileno():
                one = server.accept()[0]
                open_[one.fileno()] = one, bytearray()
                poll.register(one, select.EPOLLIN)
            else:
                one, buffer = open_[fd]
                part = one.recv(262_144)
                if not part:
                    poll.unregister(fd)
                    open_.pop(fd)[0].close()
                    continue
                buffer += part
                message = whole(buffer)
                if message:
                    one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    found = number_in.search(message[1])
                    if found:
                        seen.setdefault(int(found.group(1)), time.monotonic())


class Receiver:
    """An endpoint in a process of its own, for webhooks that carry a number where `number_in` finds it."""

    def __init__(self, number_in):
        self.pipe, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=receive, args=(theirs, number_in), daemon=True).start()
        self.pipe.recv()

    def take(self):
        """When each number first came, since the last time."""
        self.pipe.send("")
        return self.pipe.recv()


def figures(times):
    times = sorted(times)
    at = lambda share: f"{1000 * times[min(len(times) - 1, int(len(times) * share))]:.1f}"
    return f"{at(0.5)} | {at(0.99)} | {at(1)}" if times else "– | – | –"
