#!/bin/sh
# A few random kills with their resumes; the long version is tests/soak/kill_resume.py.
exec "$PGD_SOURCE_DIR/tests/soak/kill_resume.py" 5
