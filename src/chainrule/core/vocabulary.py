"""The words of other libraries and of textbooks, and what a configuration says in their place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_WORDS_ELSEWHERE: Mapping[str, str] = {
    "silu": "swish",
    "sigmoid": "logistic",
    "linear": "identity none",
    "leaky_relu": "lrelu leakyrelu",
    "glorot": "xavier glorot_uniform xavier_uniform",
    "he": "kaiming kaiming_normal he_normal",
    "zeros": "zero",
    "torch": "pytorch pt pth",
    "mse": "mean_squared_error mse_loss l2_loss squared_error",
    "mae": "mean_absolute_error l1_loss absolute_error",
    "huber": "smooth_l1 smooth_l1_loss huber_loss",
    "hinge": "categorical_hinge multi_margin_loss",
    "binary_cross_entropy": "bce bce_loss bce_with_logits bce_with_logits_loss",
    "cross_entropy": "crossentropy cross_entropy_loss categorical_crossentropy "
    "sparse_categorical_crossentropy softmax_cross_entropy nll nll_loss",
    "loss": "cost loss_function criterion",
    "learning_rate": "lr eta step_size max_lr",
    "activation": "act activation_function transfer_function nonlinearity",
    "size": "units neurons nodes hidden hidden_size num_units n_units image_size kernel_size "
    "pool_size filter_size out_features output_dim embedding_dim embed_dim",
    "filters": "out_channels num_filters n_filters",
    "stride": "strides",
    "bias": "use_bias",
    "outputs": "return_sequences",
    "classes": "num_embeddings vocab_size vocabulary_size",
    "epsilon": "eps",
    "penalty": "regularization regularizer kernel_regularizer weight_regularizer",
    "weights": "weight_init weight_range initializer initialization kernel_initializer kernel w",
    "recurrent_weights": "recurrent_initializer recurrent_kernel u",
    "biases": "bias_init bias_range bias_initializer b",
    "bias_learning_rate": "bias_lr",
    "parameters": "state_dict pretrained initial_parameters",
    "dense": "fc fully_connected",
    "recurrent": "rnn simple_rnn vanilla_rnn",
    "batch_norm": "batch_normalization batch_norm1d batch_norm2d",
    "layer_norm": "layer_normalization",
    "max_pool2d": "max_pooling2d",
    "average_pool2d": "average_pooling2d avg_pool2d",
    "global_average_pool2d": "global_average_pooling2d global_avg_pool2d adaptive_avg_pool2d",
    "conv2d": "convolution2d",
    "concatenate": "concat cat",
    "count": "n number samples n_samples num_samples",
    "file": "filename",
    "epochs": "num_epochs n_epochs iterations",
    "batch_size": "batch minibatch minibatch_size mini_batch_size batchsize bs",
    "data": "dataset",
    "network": "globals model sequential",
    "optimizer": "optimiser",
    "rate": "weight_decay lambda p drop_rate dropout_rate",
    "alpha": "rho",
    "initial": "initial_accumulator_value",
    "memory": "maxcor history_size",
    "gradient_tolerance": "gtol tolerance_grad",
    "loss_tolerance": "ftol tolerance_change",
    "line_search": "maxls",
    "sgd": "gd",
    "one_cycle": "onecycle onecyclelr one_cycle_lr",
    "plateau": "reduce_lr_on_plateau reducelronplateau on_plateau adaptive",
    "inverse": "invscaling inverse_time",
    "exponential": "exponentiallr exponential_decay",
    "step": "steplr step_decay",
    "cosine": "cosineannealinglr cosine_annealing cosine_decay",
    "warm_up": "warmup warmup_epochs warmup_steps",
    "schedule": "scheduler lr_schedule lr_scheduler",
    "least": "min_lr",
    "clip_gradient_norm": "clipnorm clip_norm global_clipnorm max_grad_norm gradient_clip_val",
    "seed": "random_state random_seed",
    "standardize": "normalize standardise",
    "early_stopping": "earlystopping early_stop",
    "best_weights": "model_checkpoint modelcheckpoint save_best_only restore_best_weights",
    "csv_log": "csv_logger csvlogger",
    "frames": "snapshots film checkpoints backup_and_restore",
    "time_limit": "timer time_stopping timestopping max_time",
    "validation_loss": "val_loss",
    "validation_accuracy": "val_accuracy val_acc",
    "rectangle": "square box",
    "circle": "disc disk ellipse",
    "cross": "plus",
    "saltire": "x",
    "corner": "l",
    "tee": "t",
    "cup": "u",
    "zed": "z",
    "bars": "stripes",
    "spirals": "spiral",
    "moons": "moon",
    "rings": "circles",
    "blobs": "gaussian",
    "digits": "mnist",
    "roc_auc": "auc auroc rocauc roc_auc_score roc_auc_ovr",
    "f1": "f1_score fscore f_score",
    "f1_macro": "macro_f1",
    "f1_micro": "micro_f1",
    "log_loss": "logloss neg_log_loss",
    "balanced_accuracy": "balanced_accuracy_score bacc uar",
    "top_5_accuracy": "top_k_categorical_accuracy sparse_top_k_categorical_accuracy",
    "accuracy": "acc accuracy_score categorical_accuracy sparse_categorical_accuracy "
    "binary_accuracy",
    "r2": "r2_score r_squared",
    "rmse": "root_mean_squared_error",
    "label_smoothing": "smoothing",
    "class_weights": "class_weight pos_weight",
    "metrics": "scoring scores",
}
"""For each word of a configuration, the words that other libraries and textbooks use for it."""

SYNONYMS: Mapping[str, str] = {
    other: word for word, others in _WORDS_ELSEWHERE.items() for other in others.split()
}
"""For each word of another library or textbook, the word of a configuration."""

_WORDS_OF_PLACES: Mapping[str, str] = {
    "validation": "validation_data validation_split validation_fraction",
    "weights": "sample_weight sample_weights",
    "classes": "input_dim",
    "t": "y targets",
    "dense": "linear",
    "folder": "log_dir logdir",
    "train_loss": "loss",
    "cross_entropy": "log_loss",
    "rmse": "mse mean_squared_error",
    "log_loss": "cross_entropy categorical_crossentropy binary_crossentropy",
}
"""Further words of others, which mean these words only where these are valid."""


def plainest(word: str) -> str:
    """The word without what only spellings differ in: ``EarlyStopping`` as ``early_stopping``."""
    text = word.strip().lower()
    text = f"validation{text[3:]}" if text.startswith("val_") else text
    return text.replace("-", "").replace(" ", "").replace("_", "")


@cache
def _meanings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table in (_WORDS_ELSEWHERE, _WORDS_OF_PLACES):
        for word, others in table.items():
            for other in others.split():
                found.setdefault(plainest(other), []).append(plainest(word))
    return found


def meanings(word: str) -> list[str]:
    """What a word of others may mean, in the form of `plainest`; the likeliest first."""
    return _meanings().get(plainest(word), [])


_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "attribute of Network": {
        "predict": "forward_pass(x) gives the outputs, argmax(1) of them the classes",
        "summary": "print(network) shows the layers, network.theta.size counts the parameters",
        "compile": "the loss belongs to Network(...), optimizer and metrics to fit(...)",
        **dict.fromkeys(
            ("save", "save_weights"),
            "chainrule.export(network, 'network.safetensors') writes it, chainrule.load reads it",
        ),
        **dict.fromkeys(
            ("load_weights", "load"), "chainrule.load('network.safetensors').network is one"
        ),
        **dict.fromkeys(
            ("get_weights", "state_dict", "weights", "trainable_variables", "named_parameters"),
            "parameters has them by name, and theta is the vector of all",
        ),
        **dict.fromkeys(
            ("set_weights", "load_state_dict"), "theta takes a vector of all, and a layer W and b"
        ),
        "count_params": "theta.size is the number of parameters",
        "export": "chainrule.export(network, 'network.onnx') writes it",
        **dict.fromkeys(
            ("train", "eval"), "passes are those of evaluation, except in network.training_mode()"
        ),
        "score": "chainrule.training.scores.evaluate(network, x, y, classes=True) gives scores",
    },
    "attribute of Run": {
        "explain": "chainrule.explained(run, case=0) works out a case with its numbers",
        "inspect": "chainrule.inspect(run).open() steps through a pass on a page",
        "report": "chainrule.report(run, 'report.html') writes the page",
        **dict.fromkeys(
            ("examine", "doctor", "diagnose", "diagnosis", "findings"),
            "chainrule.examine(run) says what keeps it from learning",
        ),
        "model": "run.network is the network",
        "score": "run.test, run.validation and run.train are scores, run.evaluate(x, t) makes one",
        "health": "run.history.health has it by epoch and layer",
        "save": "its files lie in run.folder, and run.export('network.onnx') writes others",
    },
    "callback": {
        "reduce_lr_on_plateau": "that is a schedule: schedule: plateau",
        "learning_rate_scheduler": "schedules are told as schedule: step and the like",
        "terminate_on_nan": "every training ends at a loss that is not finite",
        "backup_and_restore": "every run keeps a checkpoint, from which --resume goes on",
        "history": "every training returns its history",
        "lambda_callback": "in Python an object of a class derived from Callback will do",
    },
    "key of callbacks": {
        "verbose": "callbacks print nothing",
        "save_best_only": "only the best parameters are kept",
        "save_weights_only": "only parameters are kept",
        "filepath": "the best parameters are those of the run, in its parameters.safetensors",
        "start_from_epoch": "it begins with the first epoch",
    },
    "key of optimizer": {
        **dict.fromkeys(
            ("learning_rate", "lr"), "the learning rate belongs to the network: learning_rate"
        ),
        **dict.fromkeys(
            ("momentum", "nesterov"),
            "that is an optimizer of its own: {type: momentum, momentum: 0.9, nesterov: true}",
        ),
        **dict.fromkeys(
            ("clipnorm", "global_clipnorm", "clip_norm"),
            "that is a setting beside optimizer: clip_gradient_norm: 1.0",
        ),
        "weight_decay": "{type: adamw, weight_decay: 0.01} decays weights by themselves, and a "
        "penalty is the network's: penalty: {type: L2, rate: 0.001}",
    },
    "option of cross_entropy": {
        "from_logits": "behind a softmax layer the loss is computed from the logits in any case",
    },
    "option of binary_cross_entropy": {
        "from_logits": "behind a sigmoid the loss is computed from the logits in any case",
    },
    "argument of fit": {
        **dict.fromkeys(
            ("learning_rate", "lr"), "it belongs to the network: network.learning_rate = 0.01"
        ),
        **dict.fromkeys(("loss", "penalty", "dtype"), "it belongs to the network: Network(...)"),
        "verbose": "fit prints nothing; it returns the history",
        "initial_epoch": "fit goes on from the parameters as they are",
        **dict.fromkeys(
            ("validation_split", "validation_fraction"),
            "cases are held out by hand: fit(x[:n], y[:n], validation=(x[n:], y[n:]))",
        ),
        "standardize": "Classifier, Regressor and train(...) scale inputs, fit takes x as it is",
    },
    "argument of an estimator": {
        **dict.fromkeys(
            ("hidden_layer_sizes", "hidden_layer_size"), "here it is layers=(100, 50)"
        ),
        "activation": "each size may be followed by its activation: layers=(100, 'tanh', 50)",
        "dropout": "here it is layers=(100, {'type': 'dropout', 'rate': 0.5})",
        "solver": "here it is optimizer, such as 'adam', 'sgd' or 'lbfgs'",
        "alpha": "here it is penalty={'type': 'L2', 'rate': 0.001}, not divided by the cases",
        "learning_rate_init": "here it is learning_rate; how it changes is the schedule",
        "power_t": "here it is schedule={'type': 'inverse', 'decay': 0.1}",
        **dict.fromkeys(("max_iter", "max_epochs"), "here it is epochs"),
        "max_fun": "here it is epochs, the iterations of optimizer='lbfgs'",
        "momentum": "here it is optimizer={'type': 'momentum', 'momentum': 0.9}",
        "nesterovs_momentum": "here it is optimizer={'type': 'momentum', 'nesterov': True}",
        "beta_1": "here it is optimizer={'type': 'adam', 'beta1': 0.9}",
        "beta_2": "here it is optimizer={'type': 'adam', 'beta2': 0.999}",
        "epsilon": "here it is optimizer={'type': 'adam', 'epsilon': 1e-8}",
        "weight_decay": "here it is optimizer={'type': 'adamw', 'weight_decay': 0.01}",
        "n_jobs": "here it is threads",
        "validation_data": "validation data go into fit(X, y, validation=(X, y))",
        "sample_weight": "weights of cases go into fit(X, y, sample_weight=...)",
    },
}
"""What is to be written in place of a word of others, by the kind of word that was expected."""


@cache
def _instead() -> dict[tuple[str, str], str]:
    return {
        (kind, plainest(word)): sentence
        for kind, sentences in _INSTEAD.items()
        for word, sentence in sentences.items()
    }


def instead(kind: str, word: object) -> str | None:
    """What is to be written in place of a word of others, if that is no single word.

    Args:
        kind: what was expected, such as ``callback``, or ``key of optimizer`` for one within it.
        word: what was found.

    Example:
        >>> instead("callback", "ReduceLROnPlateau")
        'that is a schedule: schedule: plateau'
    """
    return _instead().get((kind, plainest(str(word))))
