import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksef import SessionKey, crypto
from ksef.crypto import self_test

KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
IV = bytes.fromhex("000102030405060708090a0b0c0d0e0f")


def test_documents_are_encrypted_as_nist_publishes_it_for_aes_256_cbc():
    plain = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )

    encrypted = SessionKey(KEY, IV).encrypt(plain)

    assert encrypted[:64].hex() == (
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    )
    assert len(encrypted) == 80


@pytest.mark.parametrize(("plain", "encrypted"), [(6480, 6496), (16037, 16048), (1, 16), (16, 32)])
def test_the_vector_is_not_put_before_the_ciphertext(plain, encrypted):
    assert len(SessionKey(KEY, IV).encrypt(b"x" * plain)) == encrypted


@given(st.binary(max_size=200), st.binary(min_size=48, max_size=48))
def test_what_was_encrypted_can_be_decrypted(content, material):
    key = SessionKey(material[:32], material[32:])

    assert key.decrypt(key.encrypt(content)) == content


def test_decrypting_something_else_is_refused():
    with pytest.raises(ValueError, match=r".+"):
        SessionKey(KEY, IV).decrypt(b"not a block")


def test_an_invoice_declares_hashes_and_sizes_of_both_forms():
    invoice = SessionKey(KEY, IV).encrypt_invoice(b"KSeF")

    assert invoice.invoice_hash == "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="
    assert invoice.invoice_size == 4
    assert invoice.encrypted_size == 16
    assert base64.b64decode(invoice.encrypted_hash) == hashlib.sha256(invoice.ciphertext).digest()


def test_an_empty_document_is_not_encrypted():
    with pytest.raises(ValueError, match="empty"):
        SessionKey(KEY, IV).encrypt_invoice(b"")


@pytest.mark.parametrize(("key", "iv"), [(KEY[:31], IV), (KEY, IV + b"x"), (b"", b"")])
def test_a_key_of_another_size_is_refused(key, iv):
    with pytest.raises(ValueError, match="32 bytes"):
        SessionKey(key, iv)


def test_generated_keys_use_all_their_randomness():
    drawn = []

    def random(size):
        drawn.append(size)
        return bytes(size)

    assert SessionKey.generate(random).reveal() == (bytes(32), bytes(16))
    assert drawn == [32, 16]
    assert SessionKey.generate() != SessionKey.generate()


def test_a_stored_key_comes_back_equal():
    key = SessionKey(KEY, IV)

    assert SessionKey(*key.reveal()) == key
    assert SessionKey(KEY, IV[::-1]) != key


def test_a_key_is_wrapped_with_oaep_and_sha256_twice(ministry_key):
    wrapped = SessionKey(KEY, IV).wrap(ministry_key.private.public_key())

    assert ministry_key.decrypt(wrapped) == KEY


def test_the_self_test_passes_on_this_machine():
    self_test()


@pytest.mark.parametrize(
    ("vector", "wrong", "named"),
    [("_NIST_CIPHER", bytes(16), "AES-256-CBC"), ("_KSEF_HASH", "A" * 44, "SHA-256")],
)
def test_the_self_test_refuses_a_machine_that_computes_something_else(monkeypatch, vector, wrong, named):
    monkeypatch.setattr(crypto, vector, wrong)

    with pytest.raises(RuntimeError, match=named):
        self_test()
