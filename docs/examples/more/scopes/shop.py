SERVERS = []


class Server:
    def __init__(self):
        SERVERS.append(self)
        self.is_running = True

    def stop(self):
        self.is_running = False
