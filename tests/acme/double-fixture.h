// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One engine and the protocol double that it talks to, and objects as that would say them. Main
 * loop only.
 */
#pragma once

#include "double.h"
#include "fixture.h"

G_BEGIN_DECLS

#define NAME "www.example.org"
#define DAY 86400

#define ORDER(status, more)                                                                        \
  "{\"status\":\"" status "\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"" NAME "\"}],"        \
  "\"authorizations\":[\"$BASE/authorization\"],\"finalize\":\"$BASE/finalize\"" more "}"
#define AUTHORIZATION(name, challenges)                                                            \
  "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"" name "\"},"              \
  "\"challenges\":[" challenges "]}"

typedef struct {
  TestDouble *ca;
  Acme acme;
} DoubleFixture;

void double_set_up (DoubleFixture *fixture, gconstpointer data);
void double_tear_down (DoubleFixture *fixture, gconstpointer data);
/* Another engine on the same records. */
void double_restart (DoubleFixture *fixture);

G_END_DECLS
