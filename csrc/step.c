/* csrc/step.c -- steps: a future that comes out of another, by a function (then, repair, recover) or as its mirror.
 *
 * The result itself is the step: it holds function and kind, and stands in the callbacks of its source, of ON_STEP or
 * (what acts on abandonment too) ON_LOSS. So a step is one object and one callback, and downstream references are the
 * only ones: a result that nobody keeps goes with its source. Upstream the result knows its source by a borrowed
 * pointer, the way of discards and of those who look for the actor that will answer. It is NULL once the step is made,
 * and when the source goes away with the step in it (step_cut); a source that is about to go, with no references
 * left, is passed over.
 * Twin: libactor/_core/_steps.py; both pass tests/runtime/test_future*.py. Semantics: libprocess future.hpp.
 * Layout: 1 links  2 making a step  3 hops  4 beginning  5 Python methods
 */
#include "future.h"
#include "hops.h"

/* ---- 1 links ---- */

#define LINKS_MAX 64 /* more futures than this between an answer and who asks are not looked through */

/* The source of a step that is not made yet, alive; borrowed. */
static FutureObject *step_upstream(FutureObject *result)
{
    FutureObject *source = result->upstream;
    return source != NULL && Py_REFCNT(source) > 0 ? source : NULL;
}

FutureObject *step_source(FutureObject *result)
{
    return (result->step & KEEPS_DISCARDS) != 0 ? NULL : step_upstream(result);
}

PyObject *future_target(FutureObject *self)
{
    PyObject *target = NULL;
    for (int i = 0; i < LINKS_MAX && self != NULL; i++) {
        if (self->target != NULL)
            target = self->target;
        self = step_upstream(self);
    }
    return target;
}

int future_awaits(FutureObject *self, PyObject *mailbox)
{
    int links = 0;
    while (self != NULL && self->target != mailbox && ++links < LINKS_MAX)
        self = step_upstream(self);
    return self != NULL && self->target == mailbox;
}

void step_cut(FutureObject *result, FutureObject *source)
{
    if (result->upstream != source)
        return;
    result->upstream = NULL;
    Py_CLEAR(result->function);
}

/* ---- 2 making a step: once per `then` ---- */

/* Complete `result` with what the function returned, which is released, or let it follow that. */
static int step_deliver(FutureObject *result, PyObject *returned)
{
    int answer;
    if (future_is_fellow(result, returned))
        answer = future_follow(result, (FutureObject *)returned, MIRROR);
    else
        answer = future_complete(result, READY, returned);
    Py_DECREF(returned);
    return answer < 0 ? -1 : 0;
}

/* Fail `result` with the exception that is being raised; what is no Exception goes on being raised. */
static int step_fail(FutureObject *result)
{
    PyObject *error = core_exception_take();
    PyObject *interrupt = PyObject_TypeCheck(error, (PyTypeObject *)PyExc_Exception) ? NULL : Py_NewRef(error);
    if (future_complete(result, FAILED, error) < 0)
        core_exception_keep_first(&interrupt);
    Py_DECREF(error);
    if (interrupt == NULL)
        return 0;
    core_exception_restore(interrupt);
    return -1;
}

/* Complete `result` by its function. */
static int step_act(FutureObject *result, FutureObject *source, int kind, PyObject *function)
{
    if (kind == THEN && ((source->flags | result->flags) & DISCARD_REQUESTED) != 0)
        return future_complete(result, DISCARDED, Py_None);
    if (kind == RECOVER)
        result->flags &= (unsigned char)~DISCARD_REQUESTED; /* it starts afresh, whoever asked before */
    PyObject *argument = kind == THEN ? future_read(source) : Py_NewRef((PyObject *)source);
    PyObject *returned = NULL;
    if (argument != NULL) {
        PyObject *arguments[2] = {NULL, argument}; /* the first slot is for the callee to use */
        returned = PyObject_Vectorcall(function, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_DECREF(argument);
    }
    return returned == NULL ? step_fail(result) : step_deliver(result, returned);
}

/* Complete `result` with the value of an actor's answer, which leaves the actor here. */
static int step_answer(FutureObject *result, FutureObject *source)
{
    CoreState *core = future_core(result);
    if (core == NULL || core->pass_answer == NULL || (source->flags & (PER_READER | HANDED_OVER)) == PER_READER)
        return future_answer(result, source->value, (source->flags & PER_READER) != 0);
    PyObject *passed = PyObject_CallOneArg(core->pass_answer, source->value);
    if (passed == NULL)
        return step_fail(result);
    PyObject *value;
    int per_reader;
    int answer = PyArg_ParseTuple(passed, "Op;pass_answer returned what is no pair", &value, &per_reader)
                     ? future_answer(result, value, per_reader)
                     : step_fail(result);
    Py_DECREF(passed);
    return answer;
}

/* Complete `result` as the source is. */
static int step_pass(FutureObject *result, FutureObject *source, int how)
{
    if (source->state != READY)
        return future_complete(result, source->state, source->value == NULL ? Py_None : source->value);
    if (source->value == NULL) /* collected */
        return future_complete(result, READY, Py_None);
    if ((how & ANSWERS) != 0)
        return step_answer(result, source);
    return future_answer(result, source->value, (source->flags & PER_READER) != 0);
}

static int step_acts(int kind, const FutureObject *source)
{
    switch (kind) {
    case THEN:
        return source->state == READY;
    case REPAIR:
        return source->state == FAILED;
    case RECOVER:
        return source->state != READY;
    default:
        return 0;
    }
}

/* ---- 3 hops ---- */

int step_arrive(PyObject *op, PyObject *source_op)
{
    FutureObject *result = (FutureObject *)op, *source = (FutureObject *)source_op;
    if (result->upstream != source)
        return 0; /* made already */
    PyObject *function = result->function;
    int step = result->step;
    result->upstream = NULL;
    result->function = NULL;
    int answer;
    if (function != NULL && step_acts(step & STEP_MASK, source))
        answer = step_act(result, source, step & STEP_MASK, function);
    else
        answer = step_pass(result, source, step);
    Py_XDECREF(function);
    return answer < 0 ? -1 : 0;
}

int step_lose(PyObject *op, PyObject *source_op)
{
    FutureObject *result = (FutureObject *)op, *source = (FutureObject *)source_op;
    if (result->upstream != source || source->state != PENDING)
        return 0;
    PyObject *cause = Py_XNewRef(source->value);
    int answer = future_abandon(result, cause);
    Py_XDECREF(cause);
    return answer < 0 ? -1 : 0;
}

/* ---- 4 beginning ---- */

/* Pass the flags that are raised already. */
static int step_catch_up(FutureObject *source, FutureObject *result, int step)
{
    PyObject *interrupt = NULL;
    int asks = (result->flags & DISCARD_REQUESTED) != 0 && (step & KEEPS_DISCARDS) == 0;
    if (asks && future_pass_discard(source) < 0)
        core_exception_keep_first(&interrupt);
    if ((source->flags & ABANDONED) != 0 && hop_make(step_lose, (PyObject *)result, (PyObject *)source) < 0)
        core_exception_keep_first(&interrupt);
    if (interrupt == NULL)
        return 0;
    core_exception_restore(interrupt);
    return -1;
}

int step_begin(FutureObject *source, FutureObject *result, int step, PyObject *function)
{
    assert(result->upstream == NULL && result->function == NULL);
    source->flags |= OBSERVED;
    result->step = (unsigned char)step;
    result->function = Py_XNewRef(function);
    result->upstream = source;
    int recovers = (step & STEP_MASK) == RECOVER;
    if (source->state != PENDING || (recovers && (source->flags & ABANDONED) != 0))
        return hop_make(step_arrive, (PyObject *)result, (PyObject *)source);
    Callback callback = {Py_NewRef(result), recovers ? ON_LOSS : ON_STEP};
    if (callbacks_append(&source->callbacks, callback) < 0) {
        step_cut(result, source);
        Py_DECREF(result);
        return -1;
    }
    future_track(source);
    if (function != NULL)
        future_track(result);
    if (((result->flags & DISCARD_REQUESTED) | (source->flags & ABANDONED)) != 0)
        return step_catch_up(source, result, step);
    return 0;
}

int future_follow(FutureObject *self, FutureObject *source, int how)
{
    if (self->state != PENDING || self->upstream != NULL)
        return 0;
    return step_begin(source, self, MIRROR | how, NULL) < 0 ? -1 : 1;
}

/* ---- 5 Python methods ---- */

int step_check_function(const char *operation, PyObject *function)
{
    PyObject *plain = PyMethod_Check(function) ? PyMethod_GET_FUNCTION(function) : function;
    if (!PyCallable_Check(function))
        PyErr_Format(PyExc_TypeError, "%s: got %R, expected a function", operation, function);
    else if (PyFunction_Check(plain) &&
             (((PyCodeObject *)PyFunction_GET_CODE(plain))->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0)
        PyErr_Format(PyExc_TypeError,
                     "%s: got %R, which is `async def`: nobody would run it here; pass a plain function, or one that "
                     "is deferred to an actor, defer(pid, function)",
                     operation, function);
    else
        return 0;
    return -1;
}

static PyObject *step_new(PyObject *op, PyObject *function, int step, const char *name)
{
    if (step_check_function(name, function) < 0)
        return NULL;
    CoreState *core = future_core((FutureObject *)op);
    if (core == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a future cannot be made while the interpreter shuts down");
        return NULL;
    }
    FutureObject *result = future_new(core);
    if (result != NULL && step_begin((FutureObject *)op, result, step, function) < 0)
        Py_CLEAR(result);
    return (PyObject *)result;
}

PyObject *FutureCell_then(PyObject *op, PyObject *function)
{
    return step_new(op, function, THEN, "then");
}

PyObject *FutureCell_repair(PyObject *op, PyObject *function)
{
    return step_new(op, function, REPAIR, "repair");
}

PyObject *FutureCell_recover(PyObject *op, PyObject *function)
{
    return step_new(op, function, RECOVER, "recover");
}

PyObject *FutureCell_follow(PyObject *op, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    static const char *const known[] = {"source", "answer", "shield", NULL};
    PyObject *given[3] = {NULL};
    if (core_take_arguments("_follow", known, 1, arguments, count, names, given) < 0)
        return NULL;
    if (!future_is_fellow((FutureObject *)op, given[0])) {
        PyErr_Format(PyExc_TypeError, "_follow: got %R, expected a future", given[0]);
        return NULL;
    }
    int answers = given[1] == NULL ? 0 : PyObject_IsTrue(given[1]);
    int shields = given[2] == NULL ? 0 : PyObject_IsTrue(given[2]);
    if (answers < 0 || shields < 0)
        return NULL;
    int how = (answers ? ANSWERS : 0) | (shields ? KEEPS_DISCARDS : 0);
    int answer = future_follow((FutureObject *)op, (FutureObject *)given[0], how);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}
