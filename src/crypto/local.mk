noinst_LIBRARIES += src/crypto/libcrypto_layer.a
src_crypto_libcrypto_layer_a_SOURCES =
