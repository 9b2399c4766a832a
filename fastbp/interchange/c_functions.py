"""What layers are in C99: functions that work on one row. ``@`` stands for the letter that ends names of functions of float."""

# Those with y write it, the others change x.
FUNCTIONS = {
    "dense": """
static void dense(const real *kernel, const real *bias, int inputs, int outputs, const real *x, real *y)
{
    for (int j = 0; j < outputs; j++) {
        real sum = bias[j];
        for (int i = 0; i < inputs; i++)
            sum += kernel[j * inputs + i] * x[i];
        y[j] = sum;
    }
}
""",
    "apply": """
static void apply(real (*f)(real), int units, real *x)
{
    for (int i = 0; i < units; i++)
        x[i] = f(x[i]);
}
""",
    "glu": """
static void glu(int units, const real *x, real *y)
{
    for (int i = 0; i < units; i++)
        y[i] = x[i] * sigmoid(x[units + i]);
}
""",
    "prelu": """
static void prelu(const real *alpha, int units, real *x)
{
    for (int i = 0; i < units; i++)
        x[i] = x[i] < 0 ? alpha[i] * x[i] : x[i];
}
""",
    "line": """
static void line(const real *mean, const real *scale, const real *offset, int units, real *x)
{
    for (int i = 0; i < units; i++)
        x[i] = (x[i] - mean[i]) * scale[i] + offset[i];
}
""",
    "normalize": """
static void normalize(int centred, int averaged, real epsilon, real limit, int units, real *x)
{
    real mean = 0, squares = 0, factor;
    for (int i = 0; centred && i < units; i++)
        mean += x[i] / (real)units;
    for (int i = 0; i < units; i++) {
        x[i] -= mean;
        squares += x[i] * x[i];
    }
    factor = 1 / sqrt@((averaged ? squares / (real)units : squares) + epsilon);
    factor = factor > limit ? limit : factor;
    for (int i = 0; i < units; i++)
        x[i] *= factor;
}
""",
    "log_softmax": """
static void log_softmax(int units, real *x)
{
    real largest = x[0], sum = 0;
    for (int i = 1; i < units; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (int i = 0; i < units; i++)
        sum += exp@(x[i] - largest);
    for (int i = 0; i < units; i++)
        x[i] = x[i] - largest - log@(sum);
}
""",
    "softmax": """
static void softmax(int units, real *x)
{
    real largest = x[0], sum = 0;
    for (int i = 1; i < units; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (int i = 0; i < units; i++) {
        x[i] = exp@(x[i] - largest);
        sum += x[i];
    }
    for (int i = 0; i < units; i++)
        x[i] /= sum;
}
""",
    "sparsemax": """
static void sparsemax(int units, real *x)
{
    real largest = x[0], share = -INFINITY;
    int kept = units + 1, before;
    for (int i = 1; i < units; i++)
        largest = x[i] > largest ? x[i] : largest;
    do { /* fewer each time, until all that are left are above their share */
        const real floor = share;
        real sum = -1;
        before = kept;
        kept = 0;
        for (int i = 0; i < units; i++)
            if (x[i] - largest > floor) {
                sum += x[i] - largest;
                kept++;
            }
        share = sum / (real)kept;
    } while (kept < before);
    for (int i = 0; i < units; i++)
        x[i] = x[i] - largest <= share ? 0 : x[i] - largest - share;
}
""",
}
