#!/bin/sh
# The same for every task of every job: what is to be done comes as arguments, which no shell reads, and from files of the lake.
exec "$@"
