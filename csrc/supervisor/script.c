/* csrc/supervisor/script.c -- the script, as it is read.
 *
 * Who calls: main.c, and tests/fuzzing/script.c. Twin: mesoslite/containment/script.py, which writes it.
 * Invariants: 1. a script is looked at as a whole before any of it is carried out, and from then on every instruction
 *   in it is one that there is, with as many arguments as it takes.    2. no number in it is believed before so many
 *   texts are there, and no text ends behind the script.
 */
#include "supervisor.h"

#include <string.h>

static const char HEADING[] = "mesoslite supervisor 1";

const char *text_behind(const char *text)
{
    return text + strlen(text) + 1;
}

/* The next text, or NULL if none is left that ends. */
static const char *take_text(Script *script)
{
    const char *text = script->at;
    const char *end = text == script->end ? NULL : memchr(text, 0, (size_t)(script->end - text));
    if (end == NULL)
        return NULL;
    script->at = end + 1;
    return text;
}

static const char *check_instruction(Script *script, bool *is_last)
{
    const char *name = take_text(script), *count = name == NULL ? NULL : take_text(script);
    uint64_t arguments;
    if (count == NULL)
        return "it is cut short";
    if (!read_number(count, 10, &arguments))
        return "it has an instruction without a number of arguments";
    *is_last = strcmp(name, "end") == 0;
    const Kind *kind = find_kind(name);
    if (kind == NULL && !*is_last)
        return "it has an instruction that there is not";
    if (*is_last ? arguments != 0 : arguments < kind->least || arguments > kind->most)
        return "it has an instruction with too many arguments, or too few";
    for (; arguments > 0; arguments--)
        if (take_text(script) == NULL)
            return "it is cut short";
    return NULL;
}

const char *open_script(Script *script, const char *text, size_t size)
{
    *script = (Script){text, text + size, text};
    const char *heading = take_text(script);
    if (heading == NULL || strcmp(heading, HEADING) != 0)
        return "it does not begin as a script of this version does";
    const char *first = script->at, *complaint = NULL;
    for (bool is_last = false; !is_last && complaint == NULL;)
        complaint = check_instruction(script, &is_last);
    if (complaint == NULL && script->at != script->end)
        complaint = "it goes on behind its end";
    script->at = first;
    return complaint;
}

bool next_instruction(Script *script, Instruction *instruction)
{
    uint64_t count = 0;
    instruction->name = take_text(script);
    read_number(take_text(script), 10, &count);
    instruction->argument = script->at;
    instruction->count = (unsigned)count;
    for (; count > 0; count--)
        take_text(script);
    return strcmp(instruction->name, "end") != 0;
}
