/* tests/fuzzing/script.c -- feeds scripts that nobody has made on purpose to the supervisor's reader of them.
 *
 * Who calls: .ci/fuzz, which compiles this together with csrc/supervisor, but for its main, and the sanitizers, and runs
 *   it: script EXECUTIONS SEED. The same seed looks at the same scripts.
 * How: a good script is made at random, of all instructions that there are, and then its bytes, texts and numbers are
 *   changed, taken out, doubled and cut off. Each is put at the end of a block of memory of just its size.
 * Invariants that are looked at: 1. what is refused is refused with a complaint.    2. what is accepted is read again
 *   from its first byte to its last, each instruction is one that there is, and takes as many arguments as it has.
 * Rejected: guidance by coverage as in records.c: the reader has a dozen branches, and each is gone through at once.
 */
#include "supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 4096, CHANGES_MAX = 6 };

static const char *const NAMES[] = {
    "members", "kill_switch", "freezer", "pid_namespace", "read",  "append", "write", "unshare",      "hostname",
    "mount",   "directory",   "file",    "link",          "pivot", "enter",  "limit", "umask",        "bound",
    "keep",    "user",        "run",     "capabilities",  "end",   "0",      "-1",    "no_new_privileges", "environment",
    "bind", "loopback", "reaper",  "namespaces_of", "join", "streams", "attach",
    "mesoslite supervisor 1", "18446744073709551615", "18446744073709551616", "4294967295", "9999999999999999999999",
};

static uint64_t state;
static char script[BYTES_MAX];
static size_t size;

static size_t draw(size_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % below;
}

static void add(const char *text)
{
    size_t bytes = strlen(text) + 1;
    if (size + bytes > sizeof script)
        return;
    memcpy(script + size, text, bytes);
    size += bytes;
}

static const char *word(void)
{
    return NAMES[draw(sizeof NAMES / sizeof *NAMES)];
}

static void make_good(void)
{
    size = 0;
    add("mesoslite supervisor 1");
    for (size_t left = draw(6); left > 0; left--) {
        const char *name = word();
        const Kind *kind = find_kind(name);
        if (kind == NULL)
            continue;
        unsigned room = kind->most - kind->least < 4 ? kind->most - kind->least : 4;
        unsigned count = kind->least + (unsigned)draw(room + 1);
        char digits[16];
        snprintf(digits, sizeof digits, "%u", count);
        add(name);
        add(digits);
        for (; count > 0; count--)
            add(word());
    }
    add("end");
    add("0");
}

static void change(void)
{
    size_t at = draw(size), bytes = draw(size - at) % 32;
    switch (draw(5)) {
    case 0:
        script[at] = (char)draw(256);
        break;
    case 1:
        script[at] = "\0" "0123456789-"[draw(12)];
        break;
    case 2:
        size = at + 1; /* cut off */
        break;
    case 3:
        memmove(script + at, script + at + bytes, size - at - bytes); /* taken out */
        size -= bytes;
        break;
    default:
        if (size + bytes <= sizeof script) { /* doubled */
            memmove(script + at + bytes, script + at, size - at);
            size += bytes;
        }
    }
    if (size == 0)
        size = 1;
}

static void complain(const char *what)
{
    fprintf(stderr, "script: %s; the script was\n", what);
    for (size_t i = 0; i < size; i++)
        fprintf(stderr, script[i] >= ' ' && script[i] < 127 ? "%c" : "\\%03o", (unsigned char)script[i]);
    fputc('\n', stderr);
    abort();
}

/* Whether it is accepted. */
static bool look(void)
{
    char *text = malloc(size);
    memcpy(text, script, size);
    Script reader;
    const char *complaint = open_script(&reader, text, size);
    Instruction instruction;
    while (complaint == NULL && next_instruction(&reader, &instruction)) {
        const Kind *kind = find_kind(instruction.name);
        if (kind == NULL || instruction.count < kind->least || instruction.count > kind->most)
            complain("it was accepted with an instruction that there is not");
        const char *argument = instruction.argument;
        for (unsigned i = 0; i < instruction.count; i++)
            argument = text_behind(argument);
        if (argument != reader.at)
            complain("arguments end elsewhere than their instruction");
    }
    if (complaint == NULL && reader.at != reader.end)
        complain("it was accepted, and not read to its end");
    if (complaint != NULL && *complaint == 0)
        complain("it was refused without a word");
    free(text);
    return complaint == NULL;
}

int main(int count, char **arguments)
{
    long executions = count == 3 ? atol(arguments[1]) : 0, accepted = 0;
    state = count == 3 ? (uint64_t)atol(arguments[2]) : 0;
    for (long i = 0; i < executions; i++) {
        make_good();
        if (!look())
            complain("a good one was refused");
        for (size_t changes = 1 + draw(CHANGES_MAX); changes > 0; changes--)
            change();
        accepted += look();
    }
    printf("script: %ld scripts, %ld of them accepted with changes\n", executions, accepted);
    return executions > 0 && accepted > 0 ? 0 : 1;
}
