/* csrc/module.c -- the module libactor._core._native: the types of the C core and its constants.
 *
 * Who imports it: libactor/_core/_impl.py, and nobody else. One instance per interpreter, each with a state of its own.
 * Needs the GIL: the types rely on it for atomicity, and a build without the GIL turns it on at import.
 * Layout: 1 contents  2 life cycle  3 definition
 */
#include "core.h"
#include "future.h"
#include "hops.h"
#include "interrupts.h"
#include "channel.h"
#include "chunk.h"
#include "event.h"
#include "wire.h"
#include "json_numbers.h"
#include "json_out.h"
#include "json_parts.h"
#include "packed.h"
#include "policy.h"

static PyMethodDef native_functions[] = {
    {"set_reporters", (PyCFunction)(void (*)(void))policy_set_reporters, METH_VARARGS | METH_KEYWORDS,
     "set_reporters($module, /, unobserved, callback)\n--\n\n"
     "Name who hears of failures that have no other place to go.\n\n"
     "``unobserved(exception)``: a future failed and went away before anybody looked. ``callback(function,\n"
     "exception)``: a callback of a future raised; the completing thread is not at fault and goes on."},
    {"configure", (PyCFunction)(void (*)(void))policy_configure, METH_FASTCALL | METH_KEYWORDS,
     "configure($module, /, **policy)\n--\n\nName what the core asks Python for: see libactor/_core/_policy.py."},
    {"gather", (PyCFunction)(void (*)(void))native_gather, METH_FASTCALL,
     "gather($module, members, collects, /)\n--\n\n"
     "The future of the values of all members, if ``collects``; else of the members, whatever comes of them."},
    {"hop", (PyCFunction)(void (*)(void))native_hop, METH_FASTCALL,
     "hop($module, function, /, *arguments)\n--\n\n"
     "Go on to the next future of a chain; when HOPS_MAX stand on the stack, as soon as it has unwound."},
    {"hop_on", native_hop_on, METH_NOARGS,
     "hop_on($module, /)\n--\n\nMake the hops that were put off: before the calling thread waits for one."},
    {"dispatch", (PyCFunction)(void (*)(void))native_dispatch, METH_FASTCALL | METH_KEYWORDS,
     "dispatch($module, pid, method, /, *args, **kwargs)\n--\n\n"
     "Call ``method`` of the actor at ``pid`` and return the future of its result.\n\n"
     "``method`` is the function of the class (``Counter.add``), not bound to an object. Arguments and result are passed\n"
     "by value; wrap one in ``move`` to hand it over. The method's exception fails the future and the actor lives on; if\n"
     "the actor stops before it comes to the call the future is abandoned.\n\n"
     "Raises: TypeError for what is not a PID, or not a method of the actor's class; NotPassable for an argument."},
    {"tell", (PyCFunction)(void (*)(void))native_tell, METH_FASTCALL | METH_KEYWORDS,
     "tell($module, pid, method, /, *args, **kwargs)\n--\n\n"
     "As dispatch without a future: nobody waits, so an exception of the method stops the actor."},
    {"prepare", (PyCFunction)(void (*)(void))native_prepare, METH_FASTCALL | METH_KEYWORDS,
     "prepare($module, operation, pid, method, /, *args, **kwargs)\n--\n\n"
     "The event of a tell, to be delivered later; ``operation`` names who asks in an error."},
    {"execute", (PyCFunction)(void (*)(void))native_execute, METH_FASTCALL | METH_KEYWORDS,
     "execute($module, pid, function, /)\n--\n\n"
     "Run a callable inside the actor at ``pid``, as if it were a handler; the future of its result."},
    {"post", (PyCFunction)(void (*)(void))native_post, METH_FASTCALL | METH_KEYWORDS,
     "post($module, pid, message, /, sender=None)\n--\n\n"
     "Send a typed message to the ``@handles`` method for its class.\n\n"
     "``sender`` is what the handler sees; left out, it is the actor that posts, or None outside of actors. A message\n"
     "nobody handles is counted in the runtime's dead letters.\n"
     "Raises: NotPassable if it cannot cross; TypeError for what is not a PID."},
    {"defer", (PyCFunction)(void (*)(void))native_defer, METH_FASTCALL | METH_KEYWORDS,
     "defer($module, target, /, *args, once=False, **kwargs)\n--\n\n"
     "A callable that, whenever it is called, runs in an actor: for the callbacks of futures.\n\n"
     "``defer(pid, Counter.add, 1)`` calls the method, ``defer(pid, function, 1)`` a function, in the actor at ``pid``;\n"
     "``defer(function, 1)`` a function in the actor that is running now. The arguments of the call follow the bound ones;\n"
     "or they go where ``libactor.placeholders`` stand for them, and those that none stands for are dropped. Bound\n"
     "arguments are taken by value now, and once more at each call. With ``once`` there is one call, into which they are\n"
     "moved; another raises MovedError, and only then may an argument be wrapped in ``move``.\n\n"
     "Raises: NoRuntime for the last form outside of actors; TypeError and NotPassable as ``dispatch``."},
    {"move", native_move, METH_O,
     "move($module, value, /)\n--\n\n"
     "Hand ``value`` itself to the receiver instead of a copy; the sender must not touch it again.\n\n"
     "Of an ``Owned`` the receiver gets the object, and the holder is empty from now on. The result is only good as an\n"
     "argument of dispatch, tell, post, defer, delay or as a handler's result; moved once more it stays what it is.\n"
     "Raises: MovedError for an empty Owned."},
    {"generate_id", native_generate_id, METH_O,
     "generate_id($module, prefix, /)\n--\n\n"
     "``prefix(1)``, ``prefix(2)``, ... in this program; the first of a prefix is 1 (libprocess ID::generate)."},
    {"exchange_sequences", native_exchange_sequences, METH_O,
     "exchange_sequences($module, sequences, /)\n--\n\n"
     "Have generate_id count in this dict from now on; the one it counted in so far."},
    {"spawn", (PyCFunction)(void (*)(void))native_spawn, METH_FASTCALL | METH_KEYWORDS,
     "spawn($module, actor, /, *, mailbox=...)\n--\n\nStart an actor in the current runtime: see Runtime.spawn."},
    {"terminate", (PyCFunction)(void (*)(void))native_terminate, METH_FASTCALL | METH_KEYWORDS,
     "terminate($module, pid, inject=True)\n--\n\n"
     "Ask an actor to stop: ahead of what waits in its mailbox, or after it if ``inject`` is False.\n\n"
     "The handler that runs is not interrupted. Nothing happens if the actor has stopped already."},
    {"wait", (PyCFunction)(void (*)(void))native_wait, METH_FASTCALL | METH_KEYWORDS,
     "wait($module, pid, timeout=None)\n--\n\n"
     "Wait until an actor has stopped; False if ``timeout`` seconds pass before.\n\n"
     "Raises: RuntimeError if an actor waits for itself. Inside a handler another worker runs meanwhile."},
    {"append_frame", (PyCFunction)(void (*)(void))native_append_frame, METH_FASTCALL,
     "append_frame($module, buffer, bytes_max, /, *values)\n--\n\n"
     "Append a frame of these values to a bytearray; return how many bytes it takes, its length included.\n\n"
     "Nothing is appended, and the result is 0 if a value is no scalar that crosses as it is or there are too many of\n"
     "them, -1 if the frame would have more than ``bytes_max`` bytes behind its length."},
    {"parse_frames", (PyCFunction)(void (*)(void))native_parse_frames, METH_FASTCALL,
     "parse_frames($module, data, start, stop, bytes_max, /)\n--\n\n"
     "Read all whole frames in ``data[start:stop]``: a list of tuples, where the rest begins, and None.\n\n"
     "Instead of None a text, if no frame can begin with the rest: it says why."},
    {"check_packed", (PyCFunction)(void (*)(void))native_check_packed, METH_FASTCALL,
     "check_packed($module, data, depth_max, /)\n--\n\n"
     "Raise ValueError unless ``data`` is one value of arrays, texts, bytes and numbers, nested ``depth_max`` deep."},
    {"pack", (PyCFunction)(void (*)(void))native_pack, METH_FASTCALL,
     "pack($module, value, depth_max, refusal, find_plan, apart, /)\n--\n\n"
     "The bytes of ``value``.\n\n"
     "``find_plan(kind)`` gives the bytes with which objects of a class begin and its Layout, or None; ``apart(value)``,\n"
     "for all that is no list, tuple, dict or such an object, a list of its code and parts and whether it is numbered.\n"
     "Raises: ``refusal`` for nesting; UnicodeEncodeError for half a surrogate pair."},
    {"unpack", (PyCFunction)(void (*)(void))native_unpack, METH_FASTCALL,
     "unpack($module, data, depth_max, again_max, refusal, find, make, /)\n--\n\n"
     "The value whose bytes are ``data``, which check_packed has let through.\n\n"
     "``find(module, name)`` gives the Layout of a class, the count of its parts, the names of its fields and whether it\n"
     "is a struct; ``make(code, parts)`` a value of any other form, and whether it is numbered.\n"
     "Raises: ``refusal``, ValueError or TypeError for what was never written so; what ``find`` and ``make`` raise."},
    {"records_free", (PyCFunction)(void (*)(void))native_records_free, METH_FASTCALL,
     "records_free($module, records=4096, /)\n--\n\n"
     "Free so many records of those that went with snapshots and collections; how many chunks of them are left."},
    {"fragments_bound", native_fragments_bound, METH_O,
     "fragments_bound($module, bytes_max, /)\n--\n\nKeep at most so many bytes of what was rendered of chunks; how many it were until now."},
    {"fragments_counts", native_fragments_counts, METH_NOARGS,
     "fragments_counts($module, /)\n--\n\n"
     "Of what was rendered of chunks: (found again, rendered anew, dropped for want of room, bytes that are kept)."},
    {"json_parts", (PyCFunction)(void (*)(void))native_json_parts, METH_FASTCALL,
     "json_parts($module, data, start, stop, size, /)\n--\n\n"
     "Where the members of a JSON array or object are: see libactor.http.json_parts."},
    {"pack_numbers", native_pack_numbers, METH_O,
     "pack_numbers($module, values, /)\n--\n\nFinite numbers as doubles behind one another."},
    {"join_numbers", (PyCFunction)(void (*)(void))native_join_numbers, METH_FASTCALL,
     "join_numbers($module, between, labels, numbers, /)\n--\n\n"
     "Each label with the number that belongs to it as JSON, with ``between`` between them."},
    {"running", native_running, METH_NOARGS,
     "running($module, /)\n--\n\nThe process in whose handler the calling thread is, or None."},
    {NULL},
};

/* ---- 1 contents ---- */

static const struct {
    const char *name;
    int value;
} constants[] = {
    {"PENDING", PENDING},     {"READY", READY},           {"FAILED", FAILED},
    {"DISCARDED", DISCARDED}, {"ON_READY", ON_READY},     {"ON_FAILED", ON_FAILED},
    {"ON_ANY", ON_ANY},       {"ON_DISCARD", ON_DISCARD}, {"ON_DISCARDED", ON_DISCARDED},
    {"QUEUED", QUEUED},       {"WAKE", WAKE},             {"ON_ABANDONED", ON_ABANDONED},
    {"DUE", DUE},             {"LOOK", LOOK},             {"OVERTAKEN", OVERTAKEN},
    {"OVER", OVER},           {"ARRIVED", ARRIVED},
    {"CLOSED", CLOSED},       {"SHARED", SHARED},         {"MOVED", MOVED},
    {"REFUSED", REFUSED},     {"TOO_DEEP", TOO_DEEP},     {"CYCLE", CYCLE},
    {"UNKNOWN", UNKNOWN},
};

static int native_add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL)
        return -1;
    int answer = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return answer;
}

static const struct {
    size_t offset; /* of the owned PyObject * in CoreState */
    const char *text;
} texts[] = {
    {offsetof(CoreState, text_dispatch), "dispatch"},
    {offsetof(CoreState, text_tell), "tell"},
    {offsetof(CoreState, text_message), "message"},
    {offsetof(CoreState, text_kind), "_libactor_kind"},
    {offsetof(CoreState, text_mailbox), "_libactor_mailbox"},
    {offsetof(CoreState, text_control), "_libactor_control"},
    {offsetof(CoreState, text_on_start), "on_start"},
    {offsetof(CoreState, text_on_stop), "on_stop"},
    {offsetof(CoreState, text_workers), "workers"},
    {offsetof(CoreState, text_remote), "_libactor_remote"},
    {offsetof(CoreState, text_result), "result of %s.%s"},
    {offsetof(CoreState, text_executed), "result of a callable run in %s"},
};

static PyObject **text_slot(CoreState *state, size_t index)
{
    return (PyObject **)((char *)state + texts[index].offset);
}

/* What the core itself has in its state, the types that are let go of last left out. */
static const size_t owned[] = {
    offsetof(CoreState, cell_type), offsetof(CoreState, pid_type),  offsetof(CoreState, actor_type),
    offsetof(CoreState, kind_type), offsetof(CoreState, sequences), offsetof(CoreState, no_links),
    offsetof(CoreState, deferred_type), offsetof(CoreState, moved_type), offsetof(CoreState, task_type),
    offsetof(CoreState, traffic_type), offsetof(CoreState, channel_type), offsetof(CoreState, reply_type),
    offsetof(CoreState, nothing), offsetof(CoreState, record_type), offsetof(CoreState, record_kind_type),
    offsetof(CoreState, snapshot_type), offsetof(CoreState, snapshot_walk_type),
};

static PyObject **owned_slot(CoreState *state, size_t index)
{
    return (PyObject **)((char *)state + owned[index]);
}

/* A function of Python that does nothing; NULL with an exception. */
static PyObject *make_nothing(void)
{
    PyObject *globals = PyDict_New();
    PyObject *made = globals == NULL ? NULL : PyRun_String("lambda: None", Py_eval_input, globals, globals);
    Py_XDECREF(globals);
    return made;
}

/* What the core itself looks up by its state. */
static int native_fill(PyObject *module)
{
    CoreState *state = PyModule_GetState(module);
    state->cell_type = PyObject_GetAttrString(module, "FutureCell");
    state->future_type = Py_XNewRef(state->cell_type);
    state->gather_type = PyType_FromModuleAndSpec(module, &gather_spec, NULL);
    state->deferred_type = PyObject_GetAttrString(module, "Deferred");
    state->moved_type = PyObject_GetAttrString(module, "Moved");
    state->event_type = PyType_FromModuleAndSpec(module, &event_spec, NULL);
    state->pid_type = PyObject_GetAttrString(module, "PID");
    state->actor_type = PyObject_GetAttrString(module, "ActorCell");
    state->task_type = PyType_FromModuleAndSpec(module, &task_spec, NULL);
    state->traffic_type = PyObject_GetAttrString(module, "TrafficCell");
    state->channel_type = PyObject_GetAttrString(module, "ChannelCell");
    state->reply_type = PyType_FromModuleAndSpec(module, &reply_spec, NULL);
    state->kind_type = PyType_FromModuleAndSpec(module, &kind_spec, NULL);
    state->nothing = make_nothing();
    state->record_type = PyObject_GetAttrString(module, "Record");
    state->record_kind_type = PyObject_GetAttrString(module, "RecordKind");
    state->snapshot_type = PyObject_GetAttrString(module, "Snapshot");
    state->snapshot_walk_type = PyType_FromModuleAndSpec(module, &snapshot_walk_spec, NULL);
    state->chunks.bytes_max = FRAGMENT_BYTES_MAX;
    state->sequences = PyDict_New();
    state->no_links = PyDict_New();
    for (size_t i = 0; i < Py_ARRAY_LENGTH(owned); i++)
        if (*owned_slot(state, i) == NULL)
            return -1;
    if (state->gather_type == NULL || state->event_type == NULL)
        return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(texts); i++)
        if ((*text_slot(state, i) = PyUnicode_InternFromString(texts[i].text)) == NULL)
            return -1;
    return PyModule_AddType(module, (PyTypeObject *)state->event_type);
}

static int native_exec(PyObject *module)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(constants); i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    PyType_Spec *specs[] = {&future_spec, &promise_spec,  &mailbox_spec, &run_queue_spec, &copier_spec,
                            &pid_spec,    &actor_spec,    &runtime_spec, &deferred_spec, &moved_spec,
                            &traffic_spec, &channel_spec,  &record_spec,  &record_kind_spec,
                            &collection_spec, &snapshot_spec, &projection_spec,
                            &json_writer_spec, &type_check_spec};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(specs); i++)
        if (native_add_type(module, specs[i]) < 0)
            return -1;
    interrupts_learn();
    json_powers_fill();
    return native_fill(module);
}

/* ---- 2 life cycle ---- */

static int native_traverse(PyObject *module, visitproc visit, void *arg)
{
    CoreState *state = PyModule_GetState(module);
    Py_VISIT(state->report_unobserved);
    Py_VISIT(state->report_callback);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(owned); i++)
        Py_VISIT(*owned_slot(state, i));
    Py_VISIT(state->event_type);
    Py_VISIT(state->gather_type);
    int stop = policy_traverse(state, visit, arg);
    if (stop != 0)
        return stop;
    return 0;
}

static int native_clear(PyObject *module)
{
    CoreState *state = PyModule_GetState(module);
    Py_CLEAR(state->report_unobserved);
    Py_CLEAR(state->report_callback);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(owned); i++)
        Py_CLEAR(*owned_slot(state, i));
    for (size_t i = 0; i < Py_ARRAY_LENGTH(texts); i++)
        Py_CLEAR(*text_slot(state, i));
    Py_CLEAR(state->gather_type);
    policy_clear(state);
    return 0;
}

static void native_free(void *module)
{
    native_clear(module);
    CoreState *state = PyModule_GetState(module);
    event_free_all(state);
    text_store_trim(&state->chunks.texts);
    Py_CLEAR(state->event_type);
}

/* ---- 3 definition ---- */

static PyModuleDef_Slot native_slots[] = {
    {Py_mod_exec, native_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "libactor._core._native",
    .m_doc = "The core of libactor in C; libactor/_core/_impl.py chooses between it and its Python twin.",
    .m_size = sizeof(CoreState),
    .m_methods = native_functions,
    .m_slots = native_slots,
    .m_traverse = native_traverse,
    .m_clear = native_clear,
    .m_free = native_free,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&core_module);
}
