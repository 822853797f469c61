check_PROGRAMS += tests/unit/crypto/test_crypto
TESTS += tests/unit/crypto/test_crypto
tests_unit_crypto_test_crypto_SOURCES = \
	tests/unit/crypto/test_aead.c \
	tests/unit/crypto/test_aes_ctr.c \
	tests/unit/crypto/test_cbc_hmac.c \
	tests/unit/crypto/test_cbc_hmac_batch.c \
	tests/unit/crypto/test_cipher.c \
	tests/unit/crypto/test_digest.c \
	tests/unit/crypto/test_epoch.c \
	tests/unit/crypto/test_hkdf.c \
	tests/unit/crypto/test_hmac.c \
	tests/unit/crypto/test_keyfile.c \
	tests/unit/crypto/test_limits.c \
	tests/unit/crypto/test_prf.c \
	tests/unit/crypto/vectors.c tests/unit/crypto/vectors.h
tests_unit_crypto_test_crypto_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_crypto_test_crypto_CFLAGS = $(CRITERION_FLAGS) $(JANSSON_CFLAGS)
tests_unit_crypto_test_crypto_LDADD = $(LIB_CRYPTO) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
