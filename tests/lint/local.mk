# The lints are scripts over the source and, for globals.py, over the objects.
TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON3)
AM_TESTS_ENVIRONMENT = BUILD_DIR="$(abs_top_builddir)"; SOURCE_DIR="$(abs_top_srcdir)"; export BUILD_DIR SOURCE_DIR;
TESTS += \
	tests/lint/layers.py \
	tests/lint/size.py \
	tests/lint/headers.py \
	tests/lint/globals.py \
	tests/lint/options.py \
	tests/lint/troubleshooting.py \
	tests/lint/manual.sh
EXTRA_DIST += \
	tests/lint/source.py \
	tests/lint/layers.py \
	tests/lint/size.py \
	tests/lint/headers.py \
	tests/lint/globals.py \
	tests/lint/openvpn-options.tsv \
	tests/lint/options.py \
	tests/lint/manual.sh \
	tests/lint/troubleshooting.py
