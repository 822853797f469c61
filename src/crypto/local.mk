noinst_LIBRARIES += src/crypto/libcrypto_layer.a
src_crypto_libcrypto_layer_a_SOURCES = \
	src/crypto/aead.h \
	src/crypto/aes_ctr.h \
	src/crypto/cbc_hmac.h \
	src/crypto/cipher.h \
	src/crypto/digest.h \
	src/crypto/epoch.h \
	src/crypto/hkdf.h \
	src/crypto/hmac.h \
	src/crypto/keyfile.h \
	src/crypto/limits.h \
	src/crypto/prf.h
