/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quantile without the values: five markers move along what is fed, the middle one on the
 * quantile (P-square). `places` are how many values lie at or under each marker, `wanted` where each
 * should be; a marker more than one off moves by one, its height by a parabola through its
 * neighbours, or by a line where that would cross one.
 */
#include "llm/estimate.h"

#define MARKERS 5

static void start(struct quantile *quantile, double value)
{
    int64_t i = quantile->count++;
    for (; i > 0 && quantile->heights[i - 1] > value; i--)
        quantile->heights[i] = quantile->heights[i - 1];
    quantile->heights[i] = value;
    if (quantile->count < MARKERS)
        return;
    double p = quantile->p;
    double wanted[MARKERS] = {1, 1 + 2 * p, 1 + 4 * p, 3 + 2 * p, 5};
    for (int k = 0; k < MARKERS; k++) {
        quantile->places[k] = k + 1;
        quantile->wanted[k] = wanted[k];
    }
}

/* The cell that the value falls into; the ends stretch. */
static int cell_of(struct quantile *quantile, double value)
{
    double *heights = quantile->heights;
    if (value < heights[0])
        heights[0] = value;
    if (value > heights[MARKERS - 1])
        heights[MARKERS - 1] = value;
    int cell = 0;
    while (cell < MARKERS - 2 && value >= heights[cell + 1])
        cell++;
    return cell;
}

static double parabola(const struct quantile *quantile, int i, int step)
{
    const double *q = quantile->heights;
    double below = (double)(quantile->places[i] - quantile->places[i - 1]);
    double above = (double)(quantile->places[i + 1] - quantile->places[i]);
    double slope_above = (q[i + 1] - q[i]) / above;
    double slope_below = (q[i] - q[i - 1]) / below;
    return q[i] +
           step / (below + above) * ((below + step) * slope_above + (above - step) * slope_below);
}

static void move(struct quantile *quantile, int i)
{
    double off = quantile->wanted[i] - (double)quantile->places[i];
    int64_t above = quantile->places[i + 1] - quantile->places[i];
    int64_t below = quantile->places[i] - quantile->places[i - 1];
    if (!((off >= 1 && above > 1) || (off <= -1 && below > 1)))
        return;
    int step = off > 0 ? 1 : -1;
    double *q = quantile->heights;
    double height = parabola(quantile, i, step);
    if (q[i - 1] < height && height < q[i + 1])
        q[i] = height;
    else
        q[i] += (q[i + step] - q[i]) / (double)(step > 0 ? above : below);
    quantile->places[i] += step;
}

void quantile_feed(struct quantile *quantile, double value)
{
    if (quantile->count < MARKERS) {
        start(quantile, value);
        return;
    }
    double p = quantile->p;
    const double steps[MARKERS] = {0, p / 2, p, (1 + p) / 2, 1};
    for (int k = cell_of(quantile, value) + 1; k < MARKERS; k++)
        quantile->places[k]++;
    for (int k = 0; k < MARKERS; k++)
        quantile->wanted[k] += steps[k];
    for (int k = 1; k < MARKERS - 1; k++)
        move(quantile, k);
    quantile->count++;
}

double quantile_value(const struct quantile *quantile)
{
    if (quantile->count == 0)
        return 0;
    if (quantile->count >= MARKERS)
        return quantile->heights[2];
    return quantile->heights[(int64_t)(quantile->p * (double)(quantile->count - 1) + 0.5)];
}
