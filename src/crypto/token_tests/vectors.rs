//! The keys and signatures of RFC 7515 appendix A, RFC 8037 appendix A and RFC 7638 section 3.1.

use super::super::jwk::decode;

pub(in crate::crypto) const HS256_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
pub(in crate::crypto) const RS256_HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";
pub(in crate::crypto) const ES256_HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
pub(in crate::crypto) const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
    cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

pub(in crate::crypto) const HS256_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i\
    PS4hcgUuTwjAzZr1Z9CAow";
pub(in crate::crypto) const HS256_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(in crate::crypto) const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt\
    0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX\
    ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5\
    IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
pub(in crate::crypto) const RS256_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W\
    2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS\
    jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv\
    Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// For the same key and payload, made with OpenSSL 3.0.
pub(in crate::crypto) const PS256_HEADER: &str = "eyJhbGciOiJQUzI1NiJ9";
pub(in crate::crypto) const PS256_SIGNATURE: &str = "Gip6BpLmpXIokeoHZH_qfd7Dgsf1-dn_3JZFnaeBDN5JSonZoej03bDz9jFpS6o1lVBgKY3YUOkE5uIVUGZLGy7q\
    pYBAx6xmyPXQ4TGMssKV9qxHuTX7gU4ZjLQotgga-i-F3JiANAKdTpL8JAbFJ2_gfkn78H4opPhC36ReRR7NC4xb\
    iqksTK9UeGUcWQ3T4oRNWboTbmRtfLCnmzjCwhvFoV_JQ7JO5Q4JHD5HozgoJi69joqkaaVu3_QFt4dhuarzSuVG\
    RD5LqAH5lmAdri40cRP5sMtgqmIIPyKIufe6hPkNQ5Lbd7UY-IUhOehQfjZPaEYY982A6viEES0Hxw";
/// The same with a salt of 20 bytes.
pub(in crate::crypto) const PS256_SHORT_SALT: &str = "EtAMYSX6YvR27W2BPQp0RAe_Oy-2JecxTxYRxR-Lj-0SP2NWDc7RUDnulH85VtlH_AyfOGBfniYvgrVLrCBh0dnj\
    u3o-GQMYAGfZjzxEWXLL3HrouXBopjd_NWvgy4JB5TbSyD3IgKS8ndG6ZbdFuBUhGmr8z3nscSE7rMlGvBG2yDgb\
    nARKxg54qBxnIlhg337cQ2G9cC0mxDV1mMEmkIzvHcS3szeFMCmPRqG0M6gM9snYWvpFaBUQdV1DkoAnLNhHU260\
    0v4RsmU23dKffZgsOBzlJSpmyEbZokZlipIJSbwRabzUmyoa-miq0aRWqNJjDv1ObQg6ROGlHTtCHg";

/// A key and a signature of the same payload, made with OpenSSL 3.0.
pub(in crate::crypto) const EC384_X: &str =
    "HlYFbV8Fz_jhxUooAQiZPvAR4hOmnMcmd0JJjeINwjM4Q0StSQtVSkl_rkd-Tiq4";
pub(in crate::crypto) const EC384_Y: &str =
    "3EpEjgLcBfjSJMOBopeqi7CrZaL5fU2rwIjzSOnsC7N1AKSj6omlbgMOIHXMKp3r";
pub(in crate::crypto) const EC384_D: &str =
    "YUnDB_8M6NWR_tGqvX8QwbUodUI6ifI867FLdozqzCGBQLxfx_9R2T2j7gN_BpaA";
pub(in crate::crypto) const ES384_HEADER: &str = "eyJhbGciOiJFUzM4NCJ9";
pub(in crate::crypto) const ES384_SIGNATURE: &str = "r-h80mPAchTpenlL1H2pgvlY9YfVBrTM-CcXYPGsdofKht-WbyuOSs0Q\
    8DDgGTcK9Fwmepx6Q0VNG1J7h73oEK2yiG1v-sOpSLJ9CMj67OCe_tOxgz3-hRIySIrIXZXk";

pub(in crate::crypto) const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
pub(in crate::crypto) const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
pub(in crate::crypto) const EC_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
pub(in crate::crypto) const ES256_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djx\
    La8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

pub(in crate::crypto) const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
pub(in crate::crypto) const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
pub(in crate::crypto) const ED_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
/// Header and payload; the payload, "Example of Ed25519 signing", is no JSON.
pub(in crate::crypto) const ED_MESSAGE: &str =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
pub(in crate::crypto) const ED_SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4i\
    ylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

pub(in crate::crypto) const THUMBPRINT_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_B\
    JECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F\
    DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4\
    vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
pub(in crate::crypto) const THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

/// The private key of RFC 7515 A.2 as an `RSAPrivateKey` (RFC 8017 A.1.2).
const RSA_PKCS1: &str = "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP\
    CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0\
    LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC\
    o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
    yuXpoQIDAQABAoIBABKucaRpzQorw35SbEUAVx8dYXUdZOlJcHtiWQ-dC6V8ljxAHj_PLyzTveyI5QO_xkObCyjI\
    L303l2cfUhPu2MFaJdjVzqACXuOrLot_eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1On95fZCXxTUtxNEG1\
    Xcc7m0rtzJKs45J-N_V9DP1edYH6USyPSWGp6wuA-KgHRnKKVf9GRx80JQY7nVNkL17eHoTWEwga-lwi0FEoW9Y7\
    lDtWXYmKBWhUE-U8PGxlJf8f40493HDw1WRQ_aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\
    bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3Khoo\
    KeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y\
    2XDwGUcCgYEAuQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zF\
    YHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJID\
    Ez9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7DOX4IKjzdahm-ctDAJN4O_y7OW5FKebvUjdAIt2GuoTZ71iTG-7F0F-l\
    P88jtjP4U4qe7VHoewl4MKOfXZKTe-YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q-d5PCsDzqtm27kxuvULVeya-TEd\
    AB1ijQKBgQCH_3r6YrVH_uCWGy6bzV1nGNOdjKc9tmkfOJmN54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYj\
    agqvo3cOj1TRqNocX40omfCCMx3bD1yPPf_6TI2XECva_ggqEY2mYzmIiA5LVVmc5nrybr-lssFKneeyxN2Wq93S\
    0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1ZNqMtuhdBJqUnBi6tjKMF-34X\
    f0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZ\
    LkN1";

pub(in crate::crypto) fn bytes(text: &str) -> Vec<u8> {
    decode(text).unwrap()
}

pub(in crate::crypto) fn rsa_pkcs1() -> Vec<u8> {
    bytes(RSA_PKCS1)
}

/// The same in PKCS#8 form, around which only lengths and the algorithm's name stand.
pub(in crate::crypto) fn rsa_pkcs8() -> Vec<u8> {
    let mut der = hex("308204bd020100300d06092a864886f70d0101010500048204a7");
    der.extend(rsa_pkcs1());
    der
}

/// The private key of RFC 7515 A.3 in PKCS#8 form.
pub(in crate::crypto) fn ec_pkcs8() -> Vec<u8> {
    let mut der = hex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");
    der.extend(bytes(EC_D));
    der.extend(hex("a14403420004"));
    der.extend(bytes(EC_X));
    der.extend(bytes(EC_Y));
    der
}

/// That of `EC384_D` in PKCS#8 form.
pub(in crate::crypto) fn ec384_pkcs8() -> Vec<u8> {
    let mut der = hex("3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430");
    der.extend(bytes(EC384_D));
    der.extend(hex("a16403620004"));
    der.extend(bytes(EC384_X));
    der.extend(bytes(EC384_Y));
    der
}

/// The private key of RFC 8037 A.1 in PKCS#8 form, version 1: without the public key.
pub(in crate::crypto) fn ed_pkcs8_v1() -> Vec<u8> {
    let mut der = hex("302e020100300506032b657004220420");
    der.extend(bytes(ED_D));
    der
}

pub(in crate::crypto) fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
