#!/usr/bin/env escript
%% -*- erlang -*-
%% The work on gen_servers. A line in, "tell 1000"; a line out, the nanoseconds (or bytes) it took and what was done.
%% Who calls: bench/peers/erlang_processes.py, which checks what was done. Each line is worked off by a new process.
-module(gen_servers).
-behaviour(gen_server).
-mode(compile).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

-define(RING, 100).
-define(WARM, 100).

main(_) ->
    io:setopts([binary]),
    serve().

serve() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [What, Count] = string:lexemes(string:trim(Line), " "),
            Self = self(),
            spawn_link(fun() -> Self ! work(What, binary_to_integer(Count)) end),
            receive {Amount, Done} -> io:format("~w ~w~n", [Amount, Done]) end,
            serve()
    end.

%% A counter's state is its sum; a node's is where its tokens go, whom to tell of the last one, and how many it saw.
init(State) -> {ok, State}.

handle_cast({add, Number}, Sum) -> {noreply, Sum + Number};
handle_cast({join, Successor}, {_, Arrived, Seen}) -> {noreply, {Successor, Arrived, Seen}};
handle_cast({token, 0}, {Successor, Arrived, Seen}) ->
    Arrived ! arrived,
    {noreply, {Successor, Arrived, Seen + 1}};
handle_cast({token, Left}, {Successor, Arrived, Seen}) ->
    gen_server:cast(Successor, {token, Left - 1}),
    {noreply, {Successor, Arrived, Seen + 1}}.

handle_call({add, Number}, _From, Sum) -> {reply, Sum + Number, Sum + Number};
handle_call(seen, _From, {_, _, Seen} = State) -> {reply, Seen, State}.

work(<<"tell">>, Count) ->
    Pid = start(0),
    Start = now_ns(),
    tell(Pid, 0, Count),
    Sum = gen_server:call(Pid, {add, 0}, infinity),
    Time = now_ns() - Start,
    gen_server:stop(Pid),
    {Time, Sum};
work(<<"ask">>, Count) ->
    Pid = start(0),
    Start = now_ns(),
    Sum = ask(Pid, Count, 0),
    Time = now_ns() - Start,
    gen_server:stop(Pid),
    {Time, Sum};
work(<<"pipelined">>, Count) ->
    Pid = start(0),
    Start = now_ns(),
    Requests = [gen_server:send_request(Pid, {add, 1}) || _ <- lists:seq(1, Count)],
    Answers = [begin {reply, Sum} = gen_server:receive_response(Request, infinity), Sum end || Request <- Requests],
    Time = now_ns() - Start,
    gen_server:stop(Pid),
    {Time, lists:sum(Answers)};
work(<<"ring">>, Count) ->
    [First | Rest] = Ring = [start({none, self(), 0}) || _ <- lists:seq(1, ?RING)],
    lists:foreach(fun({Pid, Next}) -> gen_server:cast(Pid, {join, Next}) end, lists:zip(Ring, Rest ++ [First])),
    0 = lists:sum([gen_server:call(Pid, seen) || Pid <- Ring]),
    Start = now_ns(),
    gen_server:cast(First, {token, Count - 1}),
    receive arrived -> ok end,
    Time = now_ns() - Start,
    Seen = lists:sum([gen_server:call(Pid, seen) || Pid <- Ring]),
    lists:foreach(fun gen_server:stop/1, Ring),
    {Time, Seen};
work(<<"spawn">>, Count) ->
    Start = now_ns(),
    Stopped = spawn_stop(Count, 0),
    {now_ns() - Start, Stopped};
work(<<"spawn_many">>, Count) ->
    Start = now_ns(),
    Pids = [start(0) || _ <- lists:seq(1, Count)],
    lists:foreach(fun(Pid) -> monitor(process, Pid), exit(Pid, shutdown) end, Pids),
    Stopped = length([ok || _ <- Pids, receive {'DOWN', _, process, _, shutdown} -> true end]),
    {now_ns() - Start, Stopped};
work(<<"memory">>, Count) ->
    Warm = [start(0) || _ <- lists:seq(1, ?WARM)],
    Before = resident_bytes(),
    Pids = [start(0) || _ <- lists:seq(1, Count)],
    Grown = resident_bytes() - Before,
    Alive = length([Pid || Pid <- Pids, is_process_alive(Pid)]),
    lists:foreach(fun gen_server:stop/1, Warm ++ Pids),
    {Grown, Alive}.

start(State) ->
    {ok, Pid} = gen_server:start(?MODULE, State, []),
    Pid.

tell(_, Count, Count) -> ok;
tell(Pid, Number, Count) ->
    gen_server:cast(Pid, {add, Number}),
    tell(Pid, Number + 1, Count).

ask(_, 0, Sum) -> Sum;
ask(Pid, Count, Sum) -> ask(Pid, Count - 1, Sum + gen_server:call(Pid, {add, 1})).

spawn_stop(0, Stopped) -> Stopped;
spawn_stop(Count, Stopped) ->
    ok = gen_server:stop(start(0)),
    spawn_stop(Count - 1, Stopped + 1).

now_ns() -> erlang:monotonic_time(nanosecond).

%% The second field of statm, in pages.
resident_bytes() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(Text, " "),
    binary_to_integer(Pages) * 4096.
