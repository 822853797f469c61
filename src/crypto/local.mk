noinst_LIBRARIES += src/crypto/libcrypto_layer.a
src_crypto_libcrypto_layer_a_SOURCES = \
	src/crypto/aead.c src/crypto/aead.h \
	src/crypto/aead_engine.h \
	src/crypto/aead_evp.c \
	src/crypto/aead_ipsecmb.c \
	src/crypto/aes_ctr.c src/crypto/aes_ctr.h \
	src/crypto/cbc_hmac.c src/crypto/cbc_hmac.h \
	src/crypto/cbc_hmac_engine.h \
	src/crypto/cbc_hmac_evp.c \
	src/crypto/cbc_hmac_ipsecmb.c \
	src/crypto/certificate.c src/crypto/certificate.h \
	src/crypto/cipher.c src/crypto/cipher.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/engines.c src/crypto/engines.h \
	src/crypto/epoch.c src/crypto/epoch.h \
	src/crypto/hkdf.c src/crypto/hkdf.h \
	src/crypto/hmac.c src/crypto/hmac.h \
	src/crypto/ipsecmb.c src/crypto/ipsecmb.h \
	src/crypto/keyfile.c src/crypto/keyfile.h \
	src/crypto/limits.c src/crypto/limits.h \
	src/crypto/prf.c src/crypto/prf.h \
	src/crypto/provider.c src/crypto/provider.h
