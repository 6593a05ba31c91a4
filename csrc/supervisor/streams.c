/* csrc/supervisor/streams.c -- input and output of a container that somebody may attach to: pipes, or a terminal.
 *
 * Who calls: main.c; output.c, with what the container has put out; the process that becomes the command (do_attach).
 * Twin: mesoslite/containment/streams.py. Who attaches is the client: whoever has connected to the socket that we were
 * started with as descriptor 4; one at a time, the next when that has gone. Its packets are
 *   from us  `1` and `2` before output and error output; `k`: a piece of input was taken; `n`: nobody will ever read it
 *   to us    `i` before a piece of input; `e`: it ends; `w` before rows and columns, of five digits each
 * Invariants: 1. one piece of output is held, and one of input: what the client does not take holds up the container, and
 *   the other way round.    2. without a client output goes to the files alone, and nothing waits for it; nor does the
 *   end of a container that was killed, for long.
 */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 14, SIZE_DIGITS = 5, END_OF_INPUT = 4 };

static struct {
    int listener, client;
    int input; /* where what the container reads is written to; -1: it has ended */
    int end;   /* what the command has in its place, and of a terminal keeps: here as well, or reading would fail */
    bool has_tty, is_counted; /* the client is told when the piece that is held has been taken */
    char in[PIECE_BYTES + 1];
    size_t in_size, in_at;    /* of the piece that is held */
    const char *out;          /* a packet that is held, as is its memory */
    size_t out_size;
    unsigned taken, refused;  /* pieces of which the client has not been told */
} self = {.listener = -1, .client = -1, .input = -1, .end = -1};

static void close_one(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

/* ---- 1 the start ---- */

/* Unless there is one, or no listener. */
static void accept_client(void)
{
    if (self.client < 0 && self.listener >= 0)
        self.client = accept4(self.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int set_size(const char *rows, const char *columns)
{
    uint64_t numbers[2];
    if (!read_number(rows, 10, &numbers[0]) || !read_number(columns, 10, &numbers[1]))
        return refuse();
    const struct winsize size = {(unsigned short)numbers[0], (unsigned short)numbers[1], 0, 0};
    return ioctl(self.input, TIOCSWINSZ, &size);
}

static int open_terminal(const char *rows, const char *columns, const char *user)
{
    int unlocked = 0;
    uint32_t owner;
    self.has_tty = true;
    self.input = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (self.input < 0 || ioctl(self.input, TIOCSPTLCK, &unlocked) != 0 || set_size(rows, columns) != 0)
        return -1;
    self.end = ioctl(self.input, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (self.end < 0 || !read_id(user, &owner) || (owner != UINT32_MAX && fchown(self.end, owner, (gid_t)-1) != 0))
        return -1;
    int output = dup(self.input);
    if (output < 0)
        return -1;
    read_output_from(output);
    return fcntl(output, F_SETFD, FD_CLOEXEC);
}

static int open_pipe(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    self.end = ends[0];
    self.input = ends[1];
    return fcntl(self.input, F_SETFL, O_NONBLOCK);
}

int open_streams(const char *streams)
{
    const char *rows = text_behind(streams), *columns = text_behind(rows), *user = text_behind(columns);
    self.listener = LISTENER;
    if (fcntl(self.listener, F_SETFL, O_NONBLOCK) != 0)
        return -1;
    accept_client();
    return strcmp(streams, "tty") == 0 ? open_terminal(rows, columns, user) : open_pipe();
}

int do_attach(const Instruction *instruction)
{
    if (self.has_tty && ioctl(self.end, TIOCSCTTY, 0) != 0)
        return -1;
    for (int i = 0; i < (self.has_tty ? 3 : 1); i++)
        if (dup2(self.end, i) < 0)
            return -1;
    return 0;
}

void leave_streams_to_command(void)
{
    if (!self.has_tty)
        close_one(&self.end);
}

/* ---- 2 what the client is told ---- */

static void end_client(void)
{
    close_one(&self.client);
    self.out_size = self.taken = self.refused = 0;
}

/* Whether the client has it, or has gone; false: it has no room. */
static bool send_packet(const char *at, size_t size)
{
    if (send(self.client, at, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
        return false;
    end_client();
    return true;
}

static void send_waiting(void)
{
    while (self.client >= 0 && self.taken > 0 && send_packet("k", 1))
        self.taken -= self.taken > 0;
    while (self.client >= 0 && self.taken == 0 && self.refused > 0 && send_packet("n", 1))
        self.refused -= self.refused > 0;
    if (self.client >= 0 && self.out_size > 0 && send_packet(self.out, self.out_size))
        self.out_size = 0;
}

void offer_output(const char *packet, size_t size)
{
    accept_client(); /* who connected before this was put out hears it */
    self.out = packet;
    self.out_size = self.client >= 0 ? size : 0;
    send_waiting();
}

bool holds_output(void)
{
    return self.out_size > 0;
}

void leave_client(void)
{
    end_client();
    close_one(&self.listener);
}

/* ---- 3 what it tells ---- */

static void drop_piece(void)
{
    self.in_at = self.in_size = 0;
}

/* Gives the container what is held for it, as far as it takes it. */
static void put_input(void)
{
    while (self.in_at < self.in_size) {
        ssize_t written = self.input < 0 ? -1 : write(self.input, self.in + self.in_at, self.in_size - self.in_at);
        if (written < 0 && self.input >= 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (written < 0) {
            close_one(&self.input); /* whoever read it has closed it */
            self.refused += self.is_counted;
            drop_piece();
            return;
        }
        self.in_at += (size_t)written;
    }
    self.taken += self.is_counted;
    drop_piece();
}

static void obey_client(size_t size)
{
    char *packet = self.in;
    self.is_counted = packet[0] == 'i';
    if (packet[0] == 'i') {
        self.in_at = 1;
        self.in_size = size;
        put_input();
    } else if (packet[0] == 'e' && self.has_tty) {
        packet[1] = END_OF_INPUT;
        self.in_at = 1;
        self.in_size = 2;
        put_input();
    } else if (packet[0] == 'e') {
        close_one(&self.input);
    } else if (packet[0] == 'w' && size == 1 + 2 * SIZE_DIGITS && self.has_tty && self.input >= 0) {
        char rows[SIZE_DIGITS + 1] = {0}, columns[SIZE_DIGITS + 1] = {0};
        memcpy(rows, packet + 1, SIZE_DIGITS);
        memcpy(columns, packet + 1 + SIZE_DIGITS, SIZE_DIGITS);
        set_size(rows, columns);
    }
}

static void hear_client(void)
{
    ssize_t size = recv(self.client, self.in, sizeof self.in, MSG_DONTWAIT);
    if (size > 0)
        obey_client((size_t)size);
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        end_client();
}

/* ---- 4 in the supervisor's round ---- */

void watch_streams(struct pollfd *watched)
{
    bool holds_input = self.in_size > 0, tells = self.out_size > 0 || self.taken > 0 || self.refused > 0;
    watched[0] = (struct pollfd){self.client < 0 ? self.listener : -1, POLLIN, 0};
    watched[1] = (struct pollfd){self.client, (short)((holds_input ? 0 : POLLIN) | (tells ? POLLOUT : 0)), 0};
    watched[2] = (struct pollfd){holds_input ? self.input : -1, POLLOUT, 0};
}

void move_streams(const struct pollfd *watched)
{
    if (watched[0].revents)
        accept_client();
    if (watched[2].revents)
        put_input();
    if (watched[1].revents && self.client >= 0 && self.in_size == 0)
        hear_client();
    else if (watched[1].revents & (POLLHUP | POLLERR))
        end_client();
    send_waiting();
}
