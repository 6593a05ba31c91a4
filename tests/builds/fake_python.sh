#!/bin/sh
# Stands in for Python where an environment is made: answers what it is asked, and writes what it is told to do.
#
# Who calls: .ci/environment and make, in the checkout that tests/builds/test_environment.py sets up. Files of that
# checkout say how things are: lacks-venv, python-is-old, include/Python.h, pip-fails, build-fails; pip waits for a line
# of the pipe pip-waits if there is one. What it does goes to the file log, a word each.
case "$1 $2" in
*version_info*) [ ! -e python-is-old ] && echo 3.12 ;;
*ensurepip*) [ ! -e lacks-venv ] ;;
*sysconfig*) echo "$PWD/include" ;;
*"import pip" | *"import hypothesis, "*) : ;;
*"print(open("*) [ "$(cat .venv/.ready)" = "$PWD" ] && echo True ;;
"-m venv")
    echo venv >>log
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    ;;
"-m pip")
    echo pip >>log
    [ ! -e pip-waits ] || read -r _ <pip-waits
    [ ! -e pip-fails ]
    ;;
"setup.py "*)
    echo build >>log
    [ ! -e build-fails ]
    ;;
*) echo "$*" >>log ;;
esac
