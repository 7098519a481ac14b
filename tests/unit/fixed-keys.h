// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keys for tests, made once with OpenSSL and good for nothing else: base64 of PKCS#8, and of EC keys
 * the coordinates as a JWK has them.
 */
#pragma once

typedef struct {
  const char *type;
  const char *trait; /* which number begins with a zero byte */
  const char *pkcs8;
  const char *x;
  const char *y;
} FixedKey;

static const FixedKey fixed_keys[] = {
  { "ecdsa-p256", "short-x",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUQWhWpF+iUu75Csx8ZUdFNdS+NkQ"
    "Y9lYZ3RO4Zy89A6hRANCAAQAiTUTR0KJy8y5NI1HKJYnFSh98E1Al6J8vr7nmDp9S+NSr+gIhS9e"
    "nb8pCtWrKcDEosia18C4E7lBRBP6RK57",
    "AIk1E0dCicvMuTSNRyiWJxUoffBNQJeifL6-55g6fUs", "41Kv6AiFL16dvykK1aspwMSiyJrXwLgTuUFEE_pErns" },
  { "ecdsa-p256", "short-y",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglsHIcSGd6fgniXGirfMdkngU3R3O"
    "OA95BVZ4ueQxX5OhRANCAAQBIZ/WQiLq5cxZUl5p3bMblrOOXLRTUX6L1RlpHtVz8gAyvsIaX2Nw"
    "yY192bAembpGIv8OxHapxt01FDvTtRuQ",
    "ASGf1kIi6uXMWVJead2zG5azjly0U1F-i9UZaR7Vc_I", "ADK-whpfY3DJjX3ZsB6ZukYi_w7EdqnG3TUUO9O1G5A" },
  { "ecdsa-p256", "short-d",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAOx7Nu4lNIWBm2xOc3IA61gk4xr3"
    "qn+sLi4ha4GeJRShRANCAASCnyvvmXN0Q5kYZ6rYASVT5dF6RSFFAXxx4wtvYRVYLJel543rlRQp"
    "qpa4YDDUCdSDLP/Rl2FylPOCClTwwBVp",
    "gp8r75lzdEOZGGeq2AElU-XRekUhRQF8ceMLb2EVWCw", "l6XnjeuVFCmqlrhgMNQJ1IMs_9GXYXKU84IKVPDAFWk" },
  { "ecdsa-p384", "short-x",
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCkuxu2ydARpG0FbCX8E3nvJ2q89a/u"
    "2X+1a+E6xospJVTY+tgbVQq4pL+g9x7uwB2hZANiAAQATuVytkGaij+pHuafnPRXAObCKGYEbu/X"
    "Ae9ikvJzzZeipoJjNVLrIaW5EUpN+/DXvCz048mcXePBLka4tz1PKaFpsj2ghTvND8IAufjJ0htN"
    "QGPwSFsYkIn8XNrwNvk=",
    "AE7lcrZBmoo_qR7mn5z0VwDmwihmBG7v1wHvYpLyc82XoqaCYzVS6yGluRFKTfvw",
    "17ws9OPJnF3jwS5GuLc9TymhabI9oIU7zQ_CALn4ydIbTUBj8EhbGJCJ_Fza8Db5" },
  { "ecdsa-p384", "short-y",
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAevcSFcW+UYzU9f7JDNF8Y/BMcSODe"
    "l7FMVTy/uZPmUZY182lcLNaK11kbr6g9Hv6hZANiAAS1KO0mq1H2D0L03bT+Mm3GEzvxkbLv/oZk"
    "7kRnBEnNZzmH6UcLqdgOJel85Xd+vJ0Ak6tsRMgkZ4Vf3GojB8PadCIK1W9C2sFdkgm314lQakxi"
    "jKmwUe8hp5Gn7GjunYU=",
    "tSjtJqtR9g9C9N20_jJtxhM78ZGy7_6GZO5EZwRJzWc5h-lHC6nYDiXpfOV3fryd",
    "AJOrbETIJGeFX9xqIwfD2nQiCtVvQtrBXZIJt9eJUGpMYoypsFHvIaeRp-xo7p2F" },
  { "ecdsa-p384", "short-d",
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAAyPfZtnlnrncBmVS/og066FqrP/j1"
    "ncKefNt6Df5u3cbVwc7GJaBEq0pV+pQb0xuhZANiAARceO7IpVU8dqD9K9Kqk0Whu9pyYpRhHGTn"
    "wdSlQfqGEV6VCSf1sRjT0MvPckD/u+W6yC5Qvr1kEMpo5+9l/MKttAz1wcCMsnhsm87YpqRZjRdV"
    "XwgTdVB95X3yha6bN5o=",
    "XHjuyKVVPHag_SvSqpNFobvacmKUYRxk58HUpUH6hhFelQkn9bEY09DLz3JA_7vl",
    "usguUL69ZBDKaOfvZfzCrbQM9cHAjLJ4bJvO2KakWY0XVV8IE3VQfeV98oWumzea" },
};

/* What herd_key_new_from_pkcs8() must refuse. */
#define FIXED_KEY_P521                                                                             \
  "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIA5iovWUPjgmVvrtS8A8SM0vHHzBYF"                   \
  "oyD2q51pCV37hS+Nz01gq5pkR+a6EllcE31oXReJy8LFKZgiBY08OP5CkwuhgYkDgYYABAFr1jT2"                   \
  "obFQdNb2CQ/CtJHQlRZJYpM/sD183QyN2KifPRBApbkR7Bk3H7+znPzT28vhHoUR0FWWd/VxypcC"                   \
  "Oe2+UgBNoCUeQSg5kxc1q1EyWPYNiVXeol6lgWgbxQT6ULWorzXJlBZ+BSPilZkSJ69li1tUrxOa"                   \
  "XFqXGSJ5f7K3EiqTsw=="
#define FIXED_KEY_RSA_1024                                                                         \
  "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAL03H7hTvUXiyEa6xc6GhOqvnj37"                   \
  "E8omD3bfi5o0752H9Glf2VDWi6JsOarfMk7Um6JRa4J5Dad+uLhesAn66TVC8+MztjxDqLMJpCPv"                   \
  "Yd7Lxjg5yFa7xZ5o6u9qqgMVhQRPw8UN3MMCGI7FgJeF5Ufm1+4nH//rPbc6jV05BVTPAgMBAAEC"                   \
  "gYEAkrXuK18Kj+iCf40MGNFmuA2Jded69a/DJ9m3Bc9rx0qGMTo3Zx2jUUH3CM1c1ZC2SAo3gQfZ"                   \
  "lXiFQ7dvaZ2aOfNmQs8ByS5KSB7eyW5/lMx8Kjh2Wjk4TmecNW30Nec4cM8Fr9r5ioxyO+R6dSdG"                   \
  "WkTd6mwxNnr6+LS/zAUIDPkCQQDlJWlLwe7spr9sCuJqejTjpcK83xzdjsPCi6HyBLCBara7zUF2"                   \
  "z3CWHwe5HMidmi72dotPlbKoOIAq/JEBh6XDAkEA02PArUkAyfMaWJmsLLtaoVrUTsvhyGXHYWKt"                   \
  "hIbk/L92/0Mmoft0ellQ7Yk/IKjf9udOgi4hXuxE4ZE0+vsIBQJBAJdFGz3nyNJxQe0RQmcIReIC"                   \
  "i4wjveqFVLYZd89NSTgmOnvABHdqeeigk3igh8+C+X26xDzFlit3ISU/lnpsEgECQAHeGL6vLW2b"                   \
  "UzlDKk0+3n8ccVG85WLC228V0xifpHhDLMb2jenSceX+0gM3OjKMq2XgB0aJJ8xR5A3mHYS2IQ0C"                   \
  "QQDezrWlwM5+ZWedGJgX5ri/3hFPCYuX1PnK7GkunYZP04F4wJjXpu4oyjxB+ViLlGGCMj2Irm9u"                   \
  "vqI0EwffMikL"
#define FIXED_KEY_ED448                                                                            \
  "MEcCAQAwBQYDK2VxBDsEOUz3aFd7itKOtfv5F50ctGggs+HkP8SDhdxjLEPnkbWgZJ8Q+oNZCFjM"                   \
  "owQ6q1p2o3L9jh0w2GKp7w=="
#define FIXED_KEY_ENCRYPTED                                                                        \
  "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAidXr2gXS2b7QICCAAwDAYIKoZIhvcN"                   \
  "AgkFADAdBglghkgBZQMEASoEECvGOazEbgtXOoDtcVRJWvoEgZDNj4TGEJtrSey7G58iEnol7dG2"                   \
  "vxzrVm3HthwbhX5JaiYfQfL8G+prFWY09UNSEIzfnN4x9fNdfb1w1SOoTA11ANmfGc28K+Xw/mZ9"                   \
  "L/swGsoAYDylPYohFCm9CJn+Qy2X+/vwva2Rq09XIzkWo6UwxqQxR6/cl7zw+3t1ibh649Bx5TCz"                   \
  "VkOAq2hptwvK3pE="
#define FIXED_KEY_SEC1                                                                             \
  "MHcCAQEEIL8qDeQnvfYM8n3zrccMXurrekEULPuWJh9m+1uxPcMxoAoGCCqGSM49AwEHoUQDQgAE"                   \
  "bEik+8PHDvxt/01p9SckIp+sf955AQI67omQfzX/ta7Ci3M6PzGOIOLAUpCcr/sxW3hHUkyc1jlO"                   \
  "W+0R9YaxWA=="
