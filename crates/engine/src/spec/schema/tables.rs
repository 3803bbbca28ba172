//! The keys of every kind of spec, transcribed from the marshmallow classes of azure-ai-ml 1.35.
//!
//! Pure data: what a key may hold is a [`Ty`], and [`super::Checker`] gives the meaning. A key missing here
//! is a key that azure-ai-ml refuses.

use super::Field;
use super::Ty::{self, *};

/// A mapping with known keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of azure-ai-ml")]
pub enum Shape {
    AmlCompute,
    AmlComputeSshSettings,
    AmlTokenIdentity,
    AnonymousCommandComponent,
    AnonymousDataTransferCopyComponent,
    AnonymousEnvironment,
    AnonymousImportComponent,
    AnonymousModel,
    AnonymousParallelComponent,
    AnonymousSparkComponent,
    AutoDeleteSetting,
    AutoMlClassification,
    AutoMlClassificationNode,
    AutoMlForecasting,
    AutoMlForecastingNode,
    AutoMlRegression,
    AutoMlRegressionNode,
    AutoMlTableLimits,
    AutoMlTextClassificationMultilabelNode,
    AutoMlTextClassificationNode,
    AutoMlTextNerNode,
    BanditPolicy,
    BatchDeployment,
    BatchEndpoint,
    BatchEndpointsDefaults,
    BatchRetrySettings,
    BayesianSamplingAlgorithm,
    BuildContext,
    Choice,
    ChoiceOfBoolean,
    ChoiceOfFloat,
    ChoiceOfInteger,
    ChoiceOfMetric,
    ChoiceOfModelSize,
    ChoiceOfNlpSchedule,
    ChoiceOfOptimizer,
    ChoiceOfSchedule,
    ChoiceOfString,
    ClassificationTrainingSettings,
    CodeConfiguration,
    ColumnTransformer,
    Command,
    CommandComponent,
    CommandCreateJob,
    CommandJob,
    CommandJobLimits,
    ComponentParallelTask,
    ComponentResource,
    ComputeIdentity,
    ComputeInstance,
    ComputeInstanceSshSettings,
    CreateOnBehalfOf,
    CreationContext,
    CronTrigger,
    Data,
    DataAsset,
    DataCollector,
    DataInput,
    DataTransferCopy,
    DataTransferExport,
    DataTransferImport,
    Database,
    DatabaseImportSource,
    DefaultScaleSettings,
    DeploymentCollection,
    DeploymentTemplateReference,
    Environment,
    FileImportSource,
    FileSystem,
    ForecastingSettings,
    ForecastingTrainingSettings,
    GridSamplingAlgorithm,
    Identity,
    ImageClassification,
    ImageClassificationMulticlassNode,
    ImageClassificationMultilabel,
    ImageClassificationMultilabelNode,
    ImageInstanceSegmentation,
    ImageInstanceSegmentationNode,
    ImageLimits,
    ImageModelDistributionSettingsClassification,
    ImageModelDistributionSettingsInstanceSegmentation,
    ImageModelDistributionSettingsObjectDetection,
    ImageModelSettingsClassification,
    ImageModelSettingsObjectDetection,
    ImageObjectDetection,
    ImageObjectDetectionNode,
    ImageSweepSettings,
    Import,
    ImportComponent,
    InferenceConfig,
    InputLiteralValue,
    InputPort,
    IntegerQNormal,
    IntegerQUniform,
    IntellectualProperty,
    JobResourceConfiguration,
    JobSchedule,
    JobService,
    JupyterLabJobService,
    KubernetesCompute,
    KubernetesOnlineDeployment,
    KubernetesOnlineEndpoint,
    LivenessProbe,
    ManagedIdentity,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    MedianStoppingPolicy,
    MlTableInput,
    Model,
    ModelBatchDeployment,
    ModelBatchDeploymentSettings,
    ModelInput,
    MpiDistribution,
    NetworkSettings,
    NlpFeaturizationSettings,
    NlpFixedParameters,
    NlpLimits,
    NlpParameterSubspace,
    NlpSweepSettings,
    Normal,
    Output,
    OutputPort,
    Parallel,
    ParallelComponent,
    Parameter,
    ParameterizedCommand,
    Pipeline,
    PipelineCommandJob,
    PipelineComponent,
    PipelineComponentBatchDeployment,
    PipelineComponentFile,
    PipelineCreateJob,
    PipelineDataTransferCopyJob,
    PipelineDataTransferExportJob,
    PipelineDataTransferImportJob,
    PipelineImportJob,
    PipelineJob,
    PipelineJobSettings,
    PipelineParallelJob,
    PipelineSparkJob,
    PrimitiveOutput,
    PyTorchDistribution,
    QNormal,
    QUniform,
    QueueSettings,
    Randint,
    RandomSamplingAlgorithm,
    RayDistribution,
    RecurrencePattern,
    RecurrenceTrigger,
    RegressionTrainingSettings,
    RequestLogging,
    RequestSettings,
    ResourceRequirements,
    ResourceSettings,
    RetrySettings,
    Route,
    Spark,
    SparkComponent,
    SparkCreateJob,
    SparkEntryClass,
    SparkEntryFile,
    SparkJob,
    SparkResourceConfiguration,
    SparkResourceConfigurationForNode,
    SshJobService,
    StackEnsembleSettings,
    StoredProcedureParams,
    Sweep,
    SweepJob,
    SweepJobLimits,
    SweepObjective,
    TableFeaturizationSettings,
    TargetUtilizationScaleSettings,
    TensorBoardJobService,
    TensorFlowDistribution,
    TextClassification,
    TextClassificationMultilabel,
    TextNer,
    TruncationSelectionPolicy,
    Uniform,
    UserAssignedIdentity,
    UserIdentity,
    VirtualMachineCompute,
    VirtualMachineSshSettings,
    VsCodeJobService,
}

impl Shape {
    /// Its keys.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Shape::AmlCompute => AML_COMPUTE,
            Shape::AmlComputeSshSettings => AML_COMPUTE_SSH_SETTINGS,
            Shape::AmlTokenIdentity => AML_TOKEN_IDENTITY,
            Shape::AnonymousCommandComponent => ANONYMOUS_COMMAND_COMPONENT,
            Shape::AnonymousDataTransferCopyComponent => ANONYMOUS_DATA_TRANSFER_COPY_COMPONENT,
            Shape::AnonymousEnvironment => ANONYMOUS_ENVIRONMENT,
            Shape::AnonymousImportComponent => ANONYMOUS_IMPORT_COMPONENT,
            Shape::AnonymousModel => ANONYMOUS_MODEL,
            Shape::AnonymousParallelComponent => ANONYMOUS_PARALLEL_COMPONENT,
            Shape::AnonymousSparkComponent => ANONYMOUS_SPARK_COMPONENT,
            Shape::AutoDeleteSetting => AUTO_DELETE_SETTING,
            Shape::AutoMlClassification => AUTO_ML_CLASSIFICATION,
            Shape::AutoMlClassificationNode => AUTO_ML_CLASSIFICATION_NODE,
            Shape::AutoMlForecasting => AUTO_ML_FORECASTING,
            Shape::AutoMlForecastingNode => AUTO_ML_FORECASTING_NODE,
            Shape::AutoMlRegression => AUTO_ML_REGRESSION,
            Shape::AutoMlRegressionNode => AUTO_ML_REGRESSION_NODE,
            Shape::AutoMlTableLimits => AUTO_ML_TABLE_LIMITS,
            Shape::AutoMlTextClassificationMultilabelNode => AUTO_ML_TEXT_CLASSIFICATION_MULTILABEL_NODE,
            Shape::AutoMlTextClassificationNode => AUTO_ML_TEXT_CLASSIFICATION_NODE,
            Shape::AutoMlTextNerNode => AUTO_ML_TEXT_NER_NODE,
            Shape::BanditPolicy => BANDIT_POLICY,
            Shape::BatchDeployment => BATCH_DEPLOYMENT,
            Shape::BatchEndpoint => BATCH_ENDPOINT,
            Shape::BatchEndpointsDefaults => BATCH_ENDPOINTS_DEFAULTS,
            Shape::BatchRetrySettings => BATCH_RETRY_SETTINGS,
            Shape::BayesianSamplingAlgorithm => BAYESIAN_SAMPLING_ALGORITHM,
            Shape::BuildContext => BUILD_CONTEXT,
            Shape::Choice => CHOICE,
            Shape::ChoiceOfBoolean => CHOICE_OF_BOOLEAN,
            Shape::ChoiceOfFloat => CHOICE_OF_FLOAT,
            Shape::ChoiceOfInteger => CHOICE_OF_INTEGER,
            Shape::ChoiceOfMetric => CHOICE_OF_METRIC,
            Shape::ChoiceOfModelSize => CHOICE_OF_MODEL_SIZE,
            Shape::ChoiceOfNlpSchedule => CHOICE_OF_NLP_SCHEDULE,
            Shape::ChoiceOfOptimizer => CHOICE_OF_OPTIMIZER,
            Shape::ChoiceOfSchedule => CHOICE_OF_SCHEDULE,
            Shape::ChoiceOfString => CHOICE_OF_STRING,
            Shape::ClassificationTrainingSettings => CLASSIFICATION_TRAINING_SETTINGS,
            Shape::CodeConfiguration => CODE_CONFIGURATION,
            Shape::ColumnTransformer => COLUMN_TRANSFORMER,
            Shape::Command => COMMAND,
            Shape::CommandComponent => COMMAND_COMPONENT,
            Shape::CommandCreateJob => COMMAND_CREATE_JOB,
            Shape::CommandJob => COMMAND_JOB,
            Shape::CommandJobLimits => COMMAND_JOB_LIMITS,
            Shape::ComponentParallelTask => COMPONENT_PARALLEL_TASK,
            Shape::ComponentResource => COMPONENT_RESOURCE,
            Shape::ComputeIdentity => COMPUTE_IDENTITY,
            Shape::ComputeInstance => COMPUTE_INSTANCE,
            Shape::ComputeInstanceSshSettings => COMPUTE_INSTANCE_SSH_SETTINGS,
            Shape::CreateOnBehalfOf => CREATE_ON_BEHALF_OF,
            Shape::CreationContext => CREATION_CONTEXT,
            Shape::CronTrigger => CRON_TRIGGER,
            Shape::Data => DATA,
            Shape::DataAsset => DATA_ASSET,
            Shape::DataCollector => DATA_COLLECTOR,
            Shape::DataInput => DATA_INPUT,
            Shape::DataTransferCopy => DATA_TRANSFER_COPY,
            Shape::DataTransferExport => DATA_TRANSFER_EXPORT,
            Shape::DataTransferImport => DATA_TRANSFER_IMPORT,
            Shape::Database => DATABASE,
            Shape::DatabaseImportSource => DATABASE_IMPORT_SOURCE,
            Shape::DefaultScaleSettings => DEFAULT_SCALE_SETTINGS,
            Shape::DeploymentCollection => DEPLOYMENT_COLLECTION,
            Shape::DeploymentTemplateReference => DEPLOYMENT_TEMPLATE_REFERENCE,
            Shape::Environment => ENVIRONMENT,
            Shape::FileImportSource => FILE_IMPORT_SOURCE,
            Shape::FileSystem => FILE_SYSTEM,
            Shape::ForecastingSettings => FORECASTING_SETTINGS,
            Shape::ForecastingTrainingSettings => FORECASTING_TRAINING_SETTINGS,
            Shape::GridSamplingAlgorithm => GRID_SAMPLING_ALGORITHM,
            Shape::Identity => IDENTITY,
            Shape::ImageClassification => IMAGE_CLASSIFICATION,
            Shape::ImageClassificationMulticlassNode => IMAGE_CLASSIFICATION_MULTICLASS_NODE,
            Shape::ImageClassificationMultilabel => IMAGE_CLASSIFICATION_MULTILABEL,
            Shape::ImageClassificationMultilabelNode => IMAGE_CLASSIFICATION_MULTILABEL_NODE,
            Shape::ImageInstanceSegmentation => IMAGE_INSTANCE_SEGMENTATION,
            Shape::ImageInstanceSegmentationNode => IMAGE_INSTANCE_SEGMENTATION_NODE,
            Shape::ImageLimits => IMAGE_LIMITS,
            Shape::ImageModelDistributionSettingsClassification => {
                IMAGE_MODEL_DISTRIBUTION_SETTINGS_CLASSIFICATION
            }
            Shape::ImageModelDistributionSettingsInstanceSegmentation => {
                IMAGE_MODEL_DISTRIBUTION_SETTINGS_INSTANCE_SEGMENTATION
            }
            Shape::ImageModelDistributionSettingsObjectDetection => {
                IMAGE_MODEL_DISTRIBUTION_SETTINGS_OBJECT_DETECTION
            }
            Shape::ImageModelSettingsClassification => IMAGE_MODEL_SETTINGS_CLASSIFICATION,
            Shape::ImageModelSettingsObjectDetection => IMAGE_MODEL_SETTINGS_OBJECT_DETECTION,
            Shape::ImageObjectDetection => IMAGE_OBJECT_DETECTION,
            Shape::ImageObjectDetectionNode => IMAGE_OBJECT_DETECTION_NODE,
            Shape::ImageSweepSettings => IMAGE_SWEEP_SETTINGS,
            Shape::Import => IMPORT,
            Shape::ImportComponent => IMPORT_COMPONENT,
            Shape::InferenceConfig => INFERENCE_CONFIG,
            Shape::InputLiteralValue => INPUT_LITERAL_VALUE,
            Shape::InputPort => INPUT_PORT,
            Shape::IntegerQNormal => INTEGER_QNORMAL,
            Shape::IntegerQUniform => INTEGER_QUNIFORM,
            Shape::IntellectualProperty => INTELLECTUAL_PROPERTY,
            Shape::JobResourceConfiguration => JOB_RESOURCE_CONFIGURATION,
            Shape::JobSchedule => JOB_SCHEDULE,
            Shape::JobService => JOB_SERVICE,
            Shape::JupyterLabJobService => JUPYTER_LAB_JOB_SERVICE,
            Shape::KubernetesCompute => KUBERNETES_COMPUTE,
            Shape::KubernetesOnlineDeployment => KUBERNETES_ONLINE_DEPLOYMENT,
            Shape::KubernetesOnlineEndpoint => KUBERNETES_ONLINE_ENDPOINT,
            Shape::LivenessProbe => LIVENESS_PROBE,
            Shape::ManagedIdentity => MANAGED_IDENTITY,
            Shape::ManagedOnlineDeployment => MANAGED_ONLINE_DEPLOYMENT,
            Shape::ManagedOnlineEndpoint => MANAGED_ONLINE_ENDPOINT,
            Shape::MedianStoppingPolicy => MEDIAN_STOPPING_POLICY,
            Shape::MlTableInput => ML_TABLE_INPUT,
            Shape::Model => MODEL,
            Shape::ModelBatchDeployment => MODEL_BATCH_DEPLOYMENT,
            Shape::ModelBatchDeploymentSettings => MODEL_BATCH_DEPLOYMENT_SETTINGS,
            Shape::ModelInput => MODEL_INPUT,
            Shape::MpiDistribution => MPI_DISTRIBUTION,
            Shape::NetworkSettings => NETWORK_SETTINGS,
            Shape::NlpFeaturizationSettings => NLP_FEATURIZATION_SETTINGS,
            Shape::NlpFixedParameters => NLP_FIXED_PARAMETERS,
            Shape::NlpLimits => NLP_LIMITS,
            Shape::NlpParameterSubspace => NLP_PARAMETER_SUBSPACE,
            Shape::NlpSweepSettings => NLP_SWEEP_SETTINGS,
            Shape::Normal => NORMAL,
            Shape::Output => OUTPUT,
            Shape::OutputPort => OUTPUT_PORT,
            Shape::Parallel => PARALLEL,
            Shape::ParallelComponent => PARALLEL_COMPONENT,
            Shape::Parameter => PARAMETER,
            Shape::ParameterizedCommand => PARAMETERIZED_COMMAND,
            Shape::Pipeline => PIPELINE,
            Shape::PipelineCommandJob => PIPELINE_COMMAND_JOB,
            Shape::PipelineComponent => PIPELINE_COMPONENT,
            Shape::PipelineComponentBatchDeployment => PIPELINE_COMPONENT_BATCH_DEPLOYMENT,
            Shape::PipelineComponentFile => PIPELINE_COMPONENT_FILE,
            Shape::PipelineCreateJob => PIPELINE_CREATE_JOB,
            Shape::PipelineDataTransferCopyJob => PIPELINE_DATA_TRANSFER_COPY_JOB,
            Shape::PipelineDataTransferExportJob => PIPELINE_DATA_TRANSFER_EXPORT_JOB,
            Shape::PipelineDataTransferImportJob => PIPELINE_DATA_TRANSFER_IMPORT_JOB,
            Shape::PipelineImportJob => PIPELINE_IMPORT_JOB,
            Shape::PipelineJob => PIPELINE_JOB,
            Shape::PipelineJobSettings => PIPELINE_JOB_SETTINGS,
            Shape::PipelineParallelJob => PIPELINE_PARALLEL_JOB,
            Shape::PipelineSparkJob => PIPELINE_SPARK_JOB,
            Shape::PrimitiveOutput => PRIMITIVE_OUTPUT,
            Shape::PyTorchDistribution => PY_TORCH_DISTRIBUTION,
            Shape::QNormal => QNORMAL,
            Shape::QUniform => QUNIFORM,
            Shape::QueueSettings => QUEUE_SETTINGS,
            Shape::Randint => RANDINT,
            Shape::RandomSamplingAlgorithm => RANDOM_SAMPLING_ALGORITHM,
            Shape::RayDistribution => RAY_DISTRIBUTION,
            Shape::RecurrencePattern => RECURRENCE_PATTERN,
            Shape::RecurrenceTrigger => RECURRENCE_TRIGGER,
            Shape::RegressionTrainingSettings => REGRESSION_TRAINING_SETTINGS,
            Shape::RequestLogging => REQUEST_LOGGING,
            Shape::RequestSettings => REQUEST_SETTINGS,
            Shape::ResourceRequirements => RESOURCE_REQUIREMENTS,
            Shape::ResourceSettings => RESOURCE_SETTINGS,
            Shape::RetrySettings => RETRY_SETTINGS,
            Shape::Route => ROUTE,
            Shape::Spark => SPARK,
            Shape::SparkComponent => SPARK_COMPONENT,
            Shape::SparkCreateJob => SPARK_CREATE_JOB,
            Shape::SparkEntryClass => SPARK_ENTRY_CLASS,
            Shape::SparkEntryFile => SPARK_ENTRY_FILE,
            Shape::SparkJob => SPARK_JOB,
            Shape::SparkResourceConfiguration => SPARK_RESOURCE_CONFIGURATION,
            Shape::SparkResourceConfigurationForNode => SPARK_RESOURCE_CONFIGURATION_FOR_NODE,
            Shape::SshJobService => SSH_JOB_SERVICE,
            Shape::StackEnsembleSettings => STACK_ENSEMBLE_SETTINGS,
            Shape::StoredProcedureParams => STORED_PROCEDURE_PARAMS,
            Shape::Sweep => SWEEP,
            Shape::SweepJob => SWEEP_JOB,
            Shape::SweepJobLimits => SWEEP_JOB_LIMITS,
            Shape::SweepObjective => SWEEP_OBJECTIVE,
            Shape::TableFeaturizationSettings => TABLE_FEATURIZATION_SETTINGS,
            Shape::TargetUtilizationScaleSettings => TARGET_UTILIZATION_SCALE_SETTINGS,
            Shape::TensorBoardJobService => TENSOR_BOARD_JOB_SERVICE,
            Shape::TensorFlowDistribution => TENSOR_FLOW_DISTRIBUTION,
            Shape::TextClassification => TEXT_CLASSIFICATION,
            Shape::TextClassificationMultilabel => TEXT_CLASSIFICATION_MULTILABEL,
            Shape::TextNer => TEXT_NER,
            Shape::TruncationSelectionPolicy => TRUNCATION_SELECTION_POLICY,
            Shape::Uniform => UNIFORM,
            Shape::UserAssignedIdentity => USER_ASSIGNED_IDENTITY,
            Shape::UserIdentity => USER_IDENTITY,
            Shape::VirtualMachineCompute => VIRTUAL_MACHINE_COMPUTE,
            Shape::VirtualMachineSshSettings => VIRTUAL_MACHINE_SSH_SETTINGS,
            Shape::VsCodeJobService => VS_CODE_JOB_SERVICE,
        }
    }

    /// Whether `file:…` may stand for the mapping.
    pub fn may_be_file(self) -> bool {
        matches!(
            self,
            Shape::AnonymousCommandComponent
                | Shape::AnonymousDataTransferCopyComponent
                | Shape::AnonymousEnvironment
                | Shape::AnonymousImportComponent
                | Shape::AnonymousParallelComponent
                | Shape::AnonymousSparkComponent
                | Shape::AutoMlClassification
                | Shape::AutoMlClassificationNode
                | Shape::AutoMlForecasting
                | Shape::AutoMlForecastingNode
                | Shape::AutoMlRegression
                | Shape::AutoMlRegressionNode
                | Shape::AutoMlTextClassificationMultilabelNode
                | Shape::AutoMlTextClassificationNode
                | Shape::AutoMlTextNerNode
                | Shape::CommandComponent
                | Shape::CommandCreateJob
                | Shape::CommandJob
                | Shape::Data
                | Shape::Environment
                | Shape::ImageClassification
                | Shape::ImageClassificationMulticlassNode
                | Shape::ImageClassificationMultilabel
                | Shape::ImageClassificationMultilabelNode
                | Shape::ImageInstanceSegmentation
                | Shape::ImageInstanceSegmentationNode
                | Shape::ImageObjectDetection
                | Shape::ImageObjectDetectionNode
                | Shape::ImportComponent
                | Shape::JobSchedule
                | Shape::ParallelComponent
                | Shape::PipelineCommandJob
                | Shape::PipelineComponent
                | Shape::PipelineCreateJob
                | Shape::PipelineDataTransferCopyJob
                | Shape::PipelineDataTransferExportJob
                | Shape::PipelineDataTransferImportJob
                | Shape::PipelineImportJob
                | Shape::PipelineJob
                | Shape::PipelineSparkJob
                | Shape::SparkComponent
                | Shape::SparkCreateJob
                | Shape::SparkJob
                | Shape::SweepJob
                | Shape::TextClassification
                | Shape::TextClassificationMultilabel
                | Shape::TextNer
        )
    }
}

const fn optional(key: &'static str, ty: Ty) -> Field {
    Field { key, ty, required: false, read_only: false }
}

const fn required(key: &'static str, ty: Ty) -> Field {
    Field { key, ty, required: true, read_only: false }
}

/// What the service answers with; allowed in a file and ignored.
const fn read_only(key: &'static str) -> Field {
    Field { key, ty: Ty::Any, required: false, read_only: true }
}

const ALLOWED_DEPLOYMENT_TEMPLATES_TY: Ty = ListOf(&Nested(Shape::DeploymentTemplateReference));
const ALLOWED_TRAINING_ALGORITHMS_TY: Ty = ListOf(&Union(&[
    Binding,
    SnakeOneOf(&[
        "arimax",
        "auto_arima",
        "average",
        "decision_tree",
        "elastic_net",
        "exponential_smoothing",
        "extreme_random_trees",
        "gradient_boosting",
        "knn",
        "lasso_lars",
        "light_gbm",
        "naive",
        "prophet",
        "random_forest",
        "seasonal_average",
        "seasonal_naive",
        "sgd",
        "tcn_forecaster",
        "xg_boost_regressor",
    ]),
]));
const ALSO_OUTPUTS_TY: Ty = MapOf(&Union(&[Nested(Shape::OutputPort), Open(Shape::PrimitiveOutput)]));
const ALSO_OUTPUTS__TY: Ty = MapOf(&Union(&[Open(Shape::PrimitiveOutput), Nested(Shape::OutputPort)]));
const AMS_GRADIENT_TY: Ty = Union(&[Binding, Nested(Shape::ChoiceOfBoolean), Bool]);
const AUGMENTATIONS_TY: Ty = Union(&[Binding, Nested(Shape::ChoiceOfString), Str]);
const AUTH_MODE_TY: Ty = SnakeOneOf(&["aad_token", "aml_token", "key"]);
const CODE_TY: Ty = Union(&[LocalPath, Url, Git, Registry, Feed, ArmVersioned("codes")]);
const COMPONENT_ALLOWED_TRAINING_ALGORITHMS_TY: Ty = ListOf(&Union(&[
    Binding,
    SnakeOneOf(&[
        "decision_tree",
        "elastic_net",
        "extreme_random_trees",
        "gradient_boosting",
        "knn",
        "lasso_lars",
        "light_gbm",
        "random_forest",
        "sgd",
        "xg_boost_regressor",
    ]),
]));
const COMPONENT_ENVIRONMENT_TY: Ty = Union(&[
    Registry,
    ArmAnyVersion("environments"),
    Nested(Shape::Environment),
    Nested(Shape::AnonymousEnvironment),
]);
const COMPONENT_OUTPUTS_TY: Ty = MapOf(&OrNull(&Union(&[Nested(Shape::Output), OutputBinding])));
const COMPONENT_PRIMARY_METRIC_TY: Ty = SnakeOneOf(&[
    "accuracy",
    "auc_weighted",
    "average_precision_score_weighted",
    "iou",
    "norm_macro_recall",
    "precision_score_weighted",
]);
const COMPONENT_SEARCH_SPACE_TY: Ty = ListOf(&Nested(Shape::ImageModelDistributionSettingsObjectDetection));
const COMPONENT_TY: Ty =
    Union(&[Registry, ArmAnyVersion("components"), ComponentFile(Shape::PipelineComponentFile)]);
const COMPONENT_TYPE_TY: Ty = ExactlyOneOf(&[
    "path",
    "custom_model",
    "mlflow_model",
    "mltable",
    "triton_model",
    "uri_file",
    "uri_folder",
]);
const COMPUTE_TY: Ty = Union(&[OneOf(&["local"]), Arm("computes"), Str]);
const DATA_COPY_MODE_TY: Ty = OneOf(&["fail_if_conflict", "merge_with_overwrite"]);
const DISTRIBUTION_TY: Ty = Union(&[
    Nested(Shape::PyTorchDistribution),
    Nested(Shape::TensorFlowDistribution),
    Nested(Shape::MpiDistribution),
    Nested(Shape::RayDistribution),
]);
const EARLY_STOPPING_DELAY_TY: Ty = Union(&[
    Binding,
    WholeOnly,
    Nested(Shape::ChoiceOfInteger),
    Nested(Shape::Randint),
    Nested(Shape::IntegerQUniform),
    Nested(Shape::IntegerQNormal),
]);
const EARLY_TERMINATION_TY: Ty = Union(&[
    Binding,
    Nested(Shape::BanditPolicy),
    Nested(Shape::MedianStoppingPolicy),
    Nested(Shape::TruncationSelectionPolicy),
]);
const ENTRY_TY: Ty = Union(&[Nested(Shape::SparkEntryFile), Nested(Shape::SparkEntryClass)]);
const ENVIRONMENT_TY: Ty =
    Union(&[Nested(Shape::AnonymousEnvironment), Registry, ArmAnyVersion("environments")]);
const ENVIRONMENT_VARIABLES_TY: Ty = Union(&[Map, Nested(Shape::InputLiteralValue)]);
const GRADIENT_ACCUMULATION_STEPS_TY: Ty =
    Union(&[Binding, WholeOnly, Nested(Shape::ChoiceOfInteger), Nested(Shape::Randint)]);
const IDENTITY_TY: Ty =
    Union(&[Nested(Shape::ManagedIdentity), Nested(Shape::AmlTokenIdentity), Nested(Shape::UserIdentity)]);
const ID_TY: Ty = Union(&[Registry, ArmVersioned("components")]);
const INPUTS_TY: Ty = MapOf(&Union(&[
    Nested(Shape::DataInput),
    Nested(Shape::ModelInput),
    Nested(Shape::MlTableInput),
    Nested(Shape::InputLiteralValue),
    Union(&[WholeOnly, FloatOnly, Str, Bool]),
]));
const CREATE_JOB_TY: Ty = Union(&[
    Arm("jobs"),
    LocalFile,
    Nested(Shape::PipelineCreateJob),
    Nested(Shape::CommandCreateJob),
    Nested(Shape::SparkCreateJob),
]);
const JOBS_TY: Ty = Steps(&Union(&[
    Open(Shape::Command),
    Nested(Shape::PipelineCommandJob),
    Open(Shape::Import),
    Nested(Shape::PipelineImportJob),
    Open(Shape::Sweep),
    Open(Shape::Parallel),
    Nested(Shape::PipelineParallelJob),
    Open(Shape::Pipeline),
    Open(Shape::AutoMlClassificationNode),
    Open(Shape::AutoMlRegressionNode),
    Open(Shape::AutoMlForecastingNode),
    Open(Shape::ImageClassificationMulticlassNode),
    Open(Shape::ImageClassificationMultilabelNode),
    Open(Shape::ImageObjectDetectionNode),
    Open(Shape::ImageInstanceSegmentationNode),
    Open(Shape::AutoMlTextClassificationNode),
    Open(Shape::AutoMlTextClassificationMultilabelNode),
    Open(Shape::AutoMlTextNerNode),
    Open(Shape::Spark),
    Nested(Shape::PipelineSparkJob),
    Union(&[
        Open(Shape::DataTransferCopy),
        Nested(Shape::PipelineDataTransferCopyJob),
        Open(Shape::DataTransferImport),
        Nested(Shape::PipelineDataTransferImportJob),
        Open(Shape::DataTransferExport),
        Nested(Shape::PipelineDataTransferExportJob),
    ]),
]));
const LEARNING_RATE_SCHEDULER_TY: Ty =
    Union(&[Binding, Nested(Shape::ChoiceOfSchedule), SPEC_LEARNING_RATE_SCHEDULER_TY]);
const LEARNING_RATE_TY: Ty = Union(&[
    Binding,
    Number,
    WholeOnly,
    Nested(Shape::ChoiceOfInteger),
    Nested(Shape::ChoiceOfFloat),
    Nested(Shape::Uniform),
    Nested(Shape::QUniform),
    Nested(Shape::Normal),
    Nested(Shape::QNormal),
    Nested(Shape::Randint),
]);
const LOG_VERBOSITY_TY: Ty = SnakeOneOf(&["critical", "debug", "error", "info", "not_set", "warning"]);
const MODEL_SIZE_TY: Ty = Union(&[
    Binding,
    Nested(Shape::ChoiceOfModelSize),
    SnakeOneOf(&["extra_large", "large", "medium", "none", "small"]),
]);
const MODEL_TY: Ty = Union(&[Registry, ArmAnyVersion("models"), Nested(Shape::AnonymousModel)]);
const MODE_TY: Ty = ExactlyOneOf(&[
    "direct",
    "download",
    "eval_download",
    "eval_mount",
    "mount",
    "ro_mount",
    "rw_mount",
    "upload",
    "link",
]);
const NODE_ALLOWED_TRAINING_ALGORITHMS_TY: Ty = ListOf(&Union(&[
    Binding,
    SnakeOneOf(&[
        "bernoulli_naive_bayes",
        "decision_tree",
        "extreme_random_trees",
        "gradient_boosting",
        "knn",
        "light_gbm",
        "linear_svm",
        "logistic_regression",
        "multinomial_naive_bayes",
        "random_forest",
        "sgd",
        "svm",
        "xg_boost_classifier",
    ]),
]));
const NODE_COMPUTE_TY: Ty = Union(&[Binding, OneOf(&["local"]), Arm("computes"), Str]);
const NODE_ENVIRONMENT_TY: Ty =
    Union(&[Binding, Nested(Shape::AnonymousEnvironment), Registry, ArmAnyVersion("environments")]);
const NODE_ENVIRONMENT_VARIABLES_TY: Ty =
    Union(&[Binding, MapOf(&Union(&[Binding, Str])), Nested(Shape::InputLiteralValue)]);
const NODE_IDENTITY_TY: Ty = Union(&[
    Binding,
    Nested(Shape::ManagedIdentity),
    Nested(Shape::AmlTokenIdentity),
    Nested(Shape::UserIdentity),
]);
const NODE_OUTPUTS_TY: Ty = MapOf(&OrNull(&Union(&[Binding, OutputBinding, Nested(Shape::Output)])));
const NODE_SERVICES_TY: Ty = MapOf(&Union(&[
    Binding,
    Nested(Shape::SshJobService),
    Nested(Shape::TensorBoardJobService),
    Nested(Shape::VsCodeJobService),
    Nested(Shape::JupyterLabJobService),
    Nested(Shape::JobService),
]));
const OPTIMIZER_TY: Ty = Union(&[Binding, Nested(Shape::ChoiceOfOptimizer), SPEC_OPTIMIZER_TY]);
const OUTPUTS_TY: Ty = MapOf(&OrNull(&Union(&[Binding, Nested(Shape::Output), OutputBinding])));
const PATH_TY: Ty = Union(&[ArmVersioned("data"), Str, LocalPath]);
const PRIMARY_METRIC_TY: Ty = SnakeOneOf(&[
    "accuracy",
    "auc_weighted",
    "average_precision_score_weighted",
    "norm_macro_recall",
    "precision_score_weighted",
]);
const PROPERTIES_TY: Ty = MapOf(&OrNull(&Union(&[Binding, OrNull(&Str)])));
const SAMPLING_ALGORITHM_TY: Ty = Union(&[
    Binding,
    OneOf(&["bayesian", "grid", "random"]),
    Nested(Shape::RandomSamplingAlgorithm),
    Nested(Shape::GridSamplingAlgorithm),
    Nested(Shape::BayesianSamplingAlgorithm),
]);
const SCALE_SETTINGS_TY: Ty =
    Union(&[Nested(Shape::DefaultScaleSettings), Nested(Shape::TargetUtilizationScaleSettings)]);
const SEARCH_SPACE_TY: Ty = ListOf(&Nested(Shape::ImageModelDistributionSettingsClassification));
const SERVICES_TY: Ty = MapOf(&Union(&[
    Nested(Shape::SshJobService),
    Nested(Shape::TensorBoardJobService),
    Nested(Shape::VsCodeJobService),
    Nested(Shape::JupyterLabJobService),
    Nested(Shape::JobService),
]));
const SOURCE_TY: Ty = Union(&[Binding, Nested(Shape::Database), Nested(Shape::FileSystem)]);
const SPEC_COMPONENT_TY: Ty = Union(&[Registry, ArmAnyVersion("components")]);
const SPEC_DISTRIBUTION_TY: Ty = Union(&[
    Open(Shape::MpiDistribution),
    Open(Shape::TensorFlowDistribution),
    Open(Shape::PyTorchDistribution),
    Open(Shape::RayDistribution),
]);
const SPEC_ENVIRONMENT_TY: Ty = OrNull(&ENVIRONMENT_TY);
const SPEC_INPUTS_TY: Ty = MapOf(&Union(&[Nested(Shape::Parameter), Nested(Shape::InputPort)]));
const SPEC_LEARNING_RATE_SCHEDULER_TY: Ty = SnakeOneOf(&["none", "step", "warmup_cosine"]);
const SPEC_OPTIMIZER_TY: Ty = SnakeOneOf(&["adam", "adamw", "none", "sgd"]);
const SPEC_OUTPUTS_TY: Ty = MapOf(&OrNull(&Union(&[Nested(Shape::Output), Str])));
const SPEC_PRIMARY_METRIC_TY: Ty = SnakeOneOf(&[
    "normalized_mean_absolute_error",
    "normalized_root_mean_squared_error",
    "r2_score",
    "spearman_correlation",
]);
const SPEC_SEARCH_SPACE_TY: Ty = ListOf(&Nested(Shape::ImageModelDistributionSettingsInstanceSegmentation));
const SPEC_SOURCE_TY: Ty = Union(&[Nested(Shape::Database), Nested(Shape::FileSystem)]);
const SPEC_TASK_TY: Ty = SnakeOneOf(&["text_classification_multilabel"]);
const SPEC_TRAINING_PARAMETERS_TY: Ty = Nested(Shape::ImageModelSettingsObjectDetection);
const SPEC_TYPE_TY: Ty = ExactlyOneOf(&["boolean", "integer", "number", "string"]);
const TASK_TY: Ty = SnakeOneOf(&["image_classification_multilabel"]);
const TEST_DATA_TY: Ty = Union(&[Binding, Nested(Shape::MlTableInput)]);
const TIME_SERIES_ID_COLUMN_NAMES_TY: Ty = Union(&[Binding, Str, ListOf(&Union(&[Binding, Str]))]);
const TRAINING_DATA_TY: Ty = Union(&[Binding, Str, Nested(Shape::MlTableInput)]);
const TRAINING_MODE_TY: Ty = SnakeOneOf(&["auto", "distributed", "non_distributed"]);
const TRAINING_PARAMETERS_TY: Ty = Nested(Shape::ImageModelSettingsClassification);
const TRAINING_TY: Ty = Nested(Shape::ClassificationTrainingSettings);
const TYPE_TY: Ty = OneOf(&["custom_model", "mlflow_model", "triton_model"]);
const VALIDATION_METRIC_TYPE_TY: Ty =
    Union(&[Binding, Nested(Shape::ChoiceOfMetric), SnakeOneOf(&["coco", "coco_voc", "none", "voc"])]);

const AML_TOKEN_IDENTITY: &[Field] = &[required("type", SnakeOneOf(&["aml_token"]))];

const ANONYMOUS_COMMAND_COMPONENT: &[Field] = &[
    required("command", Str),
    optional("code", CODE_TY),
    required("environment", ENVIRONMENT_TY),
    optional("environment_variables", ENVIRONMENT_VARIABLES_TY),
    optional("resources", Open(Shape::ComponentResource)),
    optional("distribution", SPEC_DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    read_only("name"),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", ALSO_OUTPUTS_TY),
    optional("type", OneOf(&["command"])),
    optional("properties", MapOf(&Any)),
    optional("additional_includes", ListOf(&Str)),
];

const ANONYMOUS_DATA_TRANSFER_COPY_COMPONENT: &[Field] = &[
    read_only("name"),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", MapOf(&Nested(Shape::InputPort))),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    optional("type", OneOf(&["data_transfer"])),
    required("task", OneOf(&["copy_data"])),
    optional("data_copy_mode", DATA_COPY_MODE_TY),
];

const ANONYMOUS_ENVIRONMENT: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    optional("id", Union(&[Registry, Arm("environments")])),
    optional("description", Str),
    optional("tags", Map),
    optional("version", Version),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("build", Nested(Shape::BuildContext)),
    optional("image", Str),
    optional("conda_file", Union(&[Any, Str])),
    optional("inference_config", Nested(Shape::InferenceConfig)),
    optional("os_type", OneOf(&["linux", "windows"])),
    optional("datastore", Str),
    read_only("intellectual_property"),
];

const ANONYMOUS_IMPORT_COMPONENT: &[Field] = &[
    read_only("name"),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    optional("type", OneOf(&["import"])),
    required("source", MapOf(&Nested(Shape::Parameter))),
    required("output", Nested(Shape::OutputPort)),
];

const ANONYMOUS_MODEL: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("type", TYPE_TY),
    optional("path", Str),
    optional("version", Version),
    optional("description", Str),
    optional("properties", Map),
    optional("tags", Map),
    optional("stage", Str),
    read_only("utc_time_created"),
    optional("flavors", Map),
    read_only("creation_context"),
    read_only("job_name"),
    read_only("latest_version"),
    optional("datastore", Str),
    read_only("intellectual_property"),
    optional("system_metadata", Map),
    optional("default_deployment_template", Nested(Shape::DeploymentTemplateReference)),
    optional("allowed_deployment_templates", ALLOWED_DEPLOYMENT_TEMPLATES_TY),
];

const ANONYMOUS_PARALLEL_COMPONENT: &[Field] = &[
    read_only("name"),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    required("type", OneOf(&["parallel"])),
    optional("resources", Open(Shape::ComponentResource)),
    optional("logging_level", ExactlyOneOf(&["DEBUG", "INFO", "WARNING"])),
    optional("task", Open(Shape::ComponentParallelTask)),
    optional("mini_batch_size", Str),
    optional("partition_keys", ListOf(&Str)),
    optional("input_data", Str),
    optional("retry_settings", Open(Shape::RetrySettings)),
    optional("max_concurrency_per_instance", Int),
    optional("error_threshold", Int),
    optional("mini_batch_error_threshold", Int),
];

const ANONYMOUS_SPARK_COMPONENT: &[Field] = &[
    optional("code", CODE_TY),
    required("entry", ENTRY_TY),
    optional("py_files", ListOf(&Str)),
    optional("jars", ListOf(&Str)),
    optional("files", ListOf(&Str)),
    optional("archives", ListOf(&Str)),
    optional("conf", MapOf(&Any)),
    optional("properties", MapOf(&Any)),
    optional("environment", SPEC_ENVIRONMENT_TY),
    optional("args", Str),
    read_only("name"),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    optional("type", OneOf(&["spark"])),
    optional("additional_includes", ListOf(&Str)),
];

const AUTO_DELETE_SETTING: &[Field] = &[
    optional("value", Str),
    optional("condition", SnakeOneOf(&["created_greater_than", "last_accessed_greater_than"])),
];

const AUTO_ML_CLASSIFICATION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Str)),
    optional("n_cross_validations", Union(&[OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
    optional("positive_label", Str),
    optional("training", TRAINING_TY),
];

const AUTO_ML_CLASSIFICATION_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Union(&[Binding, Str]))),
    optional("n_cross_validations", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", TRAINING_DATA_TY),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
    optional("positive_label", Str),
    optional("training", TRAINING_TY),
];

const AUTO_ML_FORECASTING: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Str)),
    optional("n_cross_validations", Union(&[OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["forecasting"])),
    optional("primary_metric", SPEC_PRIMARY_METRIC_TY),
    optional("training", Nested(Shape::ForecastingTrainingSettings)),
    optional("forecasting", Nested(Shape::ForecastingSettings)),
];

const AUTO_ML_FORECASTING_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Union(&[Binding, Str]))),
    optional("n_cross_validations", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", TRAINING_DATA_TY),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["forecasting"])),
    optional("primary_metric", SPEC_PRIMARY_METRIC_TY),
    optional("training", Nested(Shape::ForecastingTrainingSettings)),
    optional("forecasting", Nested(Shape::ForecastingSettings)),
];

const AUTO_ML_REGRESSION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Str)),
    optional("n_cross_validations", Union(&[OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["regression"])),
    optional("primary_metric", SPEC_PRIMARY_METRIC_TY),
    optional("training", Nested(Shape::RegressionTrainingSettings)),
];

const AUTO_ML_REGRESSION_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::AutoMlTableLimits)),
    optional("featurization", Nested(Shape::TableFeaturizationSettings)),
    required("target_column_name", Str),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    optional("cv_split_column_names", ListOf(&Union(&[Binding, Str]))),
    optional("n_cross_validations", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("weight_column_name", Str),
    optional("test_data", TRAINING_DATA_TY),
    optional("test_data_size", Number),
    required("task", SnakeOneOf(&["regression"])),
    optional("primary_metric", SPEC_PRIMARY_METRIC_TY),
    optional("training", Nested(Shape::RegressionTrainingSettings)),
];

const AUTO_ML_TABLE_LIMITS: &[Field] = &[
    optional("enable_early_termination", Bool),
    optional("exit_score", Number),
    optional("max_concurrent_trials", Int),
    optional("max_cores_per_trial", Int),
    optional("max_nodes", Int),
    optional("max_trials", Int),
    optional("timeout_minutes", Int),
    optional("trial_timeout_minutes", Int),
];

const AUTO_ML_TEXT_CLASSIFICATION_MULTILABEL_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", TRAINING_DATA_TY),
    required("task", SPEC_TASK_TY),
    optional("primary_metric", SnakeOneOf(&["accuracy"])),
    required("target_column_name", Str),
];

const AUTO_ML_TEXT_CLASSIFICATION_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", TRAINING_DATA_TY),
    required("task", SnakeOneOf(&["text_classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
    required("target_column_name", Str),
];

const AUTO_ML_TEXT_NER_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", TRAINING_DATA_TY),
    required("task", SnakeOneOf(&["text_ner"])),
    optional("primary_metric", SnakeOneOf(&["accuracy"])),
    optional("target_column_name", Str),
];

const BANDIT_POLICY: &[Field] = &[
    optional("evaluation_interval", OrNull(&Int)),
    optional("delay_evaluation", OrNull(&Int)),
    required("type", SnakeOneOf(&["bandit"])),
    optional("slack_factor", OrNull(&Number)),
    optional("slack_amount", OrNull(&Number)),
];

const BATCH_DEPLOYMENT: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    required("endpoint_name", Str),
    optional("description", Str),
    optional("id", Str),
    optional("tags", Map),
    optional("properties", Map),
    optional("model", MODEL_TY),
    optional("code_configuration", Nested(Shape::CodeConfiguration)),
    optional("environment", COMPONENT_ENVIRONMENT_TY),
    optional("environment_variables", Map),
    optional("compute", COMPUTE_TY),
    optional("error_threshold", Int),
    optional("retry_settings", Nested(Shape::BatchRetrySettings)),
    optional("mini_batch_size", Int),
    optional("logging_level", Str),
    optional("output_action", OneOf(&["append_row", "summary_only"])),
    optional("output_file_name", Str),
    optional("max_concurrency_per_instance", Int),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("type", OneOf(&["model", "pipeline"])),
    optional("job_definition", Arm("jobs")),
    optional("component", COMPONENT_TY),
    read_only("creation_context"),
    read_only("provisioning_state"),
];

const BATCH_ENDPOINT: &[Field] = &[
    read_only("$schema"),
    optional("id", Str),
    required("name", EndpointName),
    optional("description", Str),
    optional("tags", Map),
    optional("provisioning_state", Str),
    optional("properties", Map),
    optional("auth_mode", AUTH_MODE_TY),
    optional("scoring_uri", Str),
    optional("location", Str),
    optional("openapi_uri", Str),
    optional("defaults", Nested(Shape::BatchEndpointsDefaults)),
];

const BATCH_ENDPOINTS_DEFAULTS: &[Field] = &[optional("deployment_name", Str)];

const BATCH_RETRY_SETTINGS: &[Field] = &[optional("max_retries", Int), optional("timeout", Int)];

const BAYESIAN_SAMPLING_ALGORITHM: &[Field] = &[required("type", SnakeOneOf(&["bayesian"]))];

const BUILD_CONTEXT: &[Field] =
    &[optional("dockerfile_path", Str), optional("path", Union(&[LocalPath, Url]))];

const CHOICE: &[Field] = &[
    optional(
        "values",
        ListOf(&Union(&[
            Binding,
            WholeOnly,
            Str,
            Number,
            MapOf(&Union(&[
                Binding,
                Nested(Shape::Choice),
                Nested(Shape::Normal),
                Nested(Shape::QNormal),
                Nested(Shape::Randint),
                Nested(Shape::Uniform),
                Nested(Shape::QUniform),
                WholeOnly,
                Number,
                Str,
            ])),
        ])),
    ),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_BOOLEAN: &[Field] =
    &[optional("values", ListOf(&Union(&[Binding, Bool]))), required("type", OneOf(&["choice"]))];

const CHOICE_OF_FLOAT: &[Field] =
    &[optional("values", ListOf(&Union(&[Binding, Number]))), required("type", OneOf(&["choice"]))];

const CHOICE_OF_INTEGER: &[Field] =
    &[optional("values", ListOf(&Union(&[Binding, WholeOnly]))), required("type", OneOf(&["choice"]))];

const CHOICE_OF_METRIC: &[Field] = &[
    optional("values", ListOf(&Union(&[Binding, SnakeOneOf(&["coco", "coco_voc", "none", "voc"])]))),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_MODEL_SIZE: &[Field] = &[
    optional(
        "values",
        ListOf(&Union(&[Binding, SnakeOneOf(&["extra_large", "large", "medium", "none", "small"])])),
    ),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_NLP_SCHEDULE: &[Field] = &[
    optional(
        "values",
        ListOf(&Union(&[
            Binding,
            SnakeOneOf(&[
                "constant",
                "constant_with_warmup",
                "cosine",
                "cosine_with_restarts",
                "linear",
                "none",
                "polynomial",
            ]),
        ])),
    ),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_OPTIMIZER: &[Field] = &[
    optional("values", ListOf(&Union(&[Binding, SPEC_OPTIMIZER_TY]))),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_SCHEDULE: &[Field] = &[
    optional("values", ListOf(&Union(&[Binding, SPEC_LEARNING_RATE_SCHEDULER_TY]))),
    required("type", OneOf(&["choice"])),
];

const CHOICE_OF_STRING: &[Field] =
    &[optional("values", ListOf(&Union(&[Binding, Str]))), required("type", OneOf(&["choice"]))];

const CLASSIFICATION_TRAINING_SETTINGS: &[Field] = &[
    optional("enable_dnn_training", Bool),
    optional("enable_model_explainability", Bool),
    optional("enable_onnx_compatible_models", Bool),
    optional("enable_stack_ensemble", Bool),
    optional("enable_vote_ensemble", Bool),
    optional("ensemble_model_download_timeout_minutes", Int),
    optional("stack_ensemble_settings", Nested(Shape::StackEnsembleSettings)),
    optional("training_mode", TRAINING_MODE_TY),
    optional("allowed_training_algorithms", NODE_ALLOWED_TRAINING_ALGORITHMS_TY),
    optional("blocked_training_algorithms", NODE_ALLOWED_TRAINING_ALGORITHMS_TY),
];

const CODE_CONFIGURATION: &[Field] =
    &[read_only("$schema"), optional("code", Str), optional("scoring_script", Str)];

const COLUMN_TRANSFORMER: &[Field] = &[
    optional("fields", ListOf(&Union(&[Binding, Str]))),
    optional("parameters", MapOf(&OrNull(&Union(&[Binding, Number, Str])))),
];

const COMMAND: &[Field] = &[
    read_only("$schema"),
    optional("command", Str),
    optional("code", OrNull(&Str)),
    optional("environment", NODE_ENVIRONMENT_TY),
    optional("environment_variables", Union(&[Binding, Map, Nested(Shape::InputLiteralValue)])),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional(
        "distribution",
        Union(&[
            Binding,
            Nested(Shape::PyTorchDistribution),
            Nested(Shape::TensorFlowDistribution),
            Nested(Shape::MpiDistribution),
            Nested(Shape::RayDistribution),
        ]),
    ),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required(
        "component",
        Union(&[
            Registry,
            ArmAnyVersion("components"),
            Open(Shape::AnonymousCommandComponent),
            ComponentFile(Shape::AnonymousCommandComponent),
        ]),
    ),
    optional("type", OneOf(&["command"])),
    optional("compute", NODE_COMPUTE_TY),
    optional("limits", Nested(Shape::CommandJobLimits)),
    optional(
        "services",
        MapOf(&Union(&[
            Binding,
            Nested(Shape::SshJobService),
            Nested(Shape::JupyterLabJobService),
            Nested(Shape::TensorBoardJobService),
            Nested(Shape::VsCodeJobService),
            Nested(Shape::JobService),
        ])),
    ),
    optional("identity", NODE_IDENTITY_TY),
];

const COMMAND_COMPONENT: &[Field] = &[
    required("command", Str),
    optional("code", CODE_TY),
    required("environment", ENVIRONMENT_TY),
    optional("resources", Open(Shape::ComponentResource)),
    optional("distribution", SPEC_DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    required("name", ComponentName),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    optional("version", ComponentVersion),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", ALSO_OUTPUTS_TY),
    optional("type", OneOf(&["command"])),
    optional("properties", MapOf(&Any)),
    optional("additional_includes", ListOf(&Str)),
];

const COMMAND_CREATE_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    optional("environment", ENVIRONMENT_TY),
    optional("environment_variables", ENVIRONMENT_VARIABLES_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("distribution", DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("type", OneOf(&["command"])),
    optional("limits", Nested(Shape::CommandJobLimits)),
    read_only("parameters"),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("parent_job_name", Str),
    required("job", Union(&[Arm("jobs"), LocalFile])),
];

const COMMAND_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("command", Str),
    optional("code", CODE_TY),
    required("environment", ENVIRONMENT_TY),
    optional("environment_variables", ENVIRONMENT_VARIABLES_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("distribution", DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("type", OneOf(&["command"])),
    optional("limits", Nested(Shape::CommandJobLimits)),
    read_only("parameters"),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("parent_job_name", Str),
];

const COMMAND_JOB_LIMITS: &[Field] = &[optional("timeout", Int)];

const COMPONENT_PARALLEL_TASK: &[Field] = &[
    required("type", OneOf(&["function", "model", "run_function"])),
    optional("code", Union(&[Binding, LocalPath, Url, Git, Registry, Feed, ArmVersioned("codes")])),
    optional("entry_script", Str),
    optional("program_arguments", Str),
    optional("model", Str),
    optional("append_row_to", Str),
    required("environment", NODE_ENVIRONMENT_TY),
];

const COMPONENT_RESOURCE: &[Field] = &[
    optional("instance_count", Int),
    optional("instance_type", Str),
    optional("properties", Map),
    optional("locations", ListOf(&Str)),
    optional("shm_size", Str),
    optional("max_instance_count", Int),
    optional("docker_args", Union(&[Str, ListOf(&Str)])),
];

const CREATION_CONTEXT: &[Field] = &[
    optional("created_at", Time),
    optional("created_by", Str),
    optional("created_by_type", Str),
    optional("last_modified_at", Time),
    optional("last_modified_by", Str),
    optional("last_modified_by_type", Str),
];

const CRON_TRIGGER: &[Field] = &[
    optional("start_time", Time),
    optional("end_time", Time),
    optional("time_zone", Str),
    required("type", OneOf(&["cron"])),
    required("expression", Str),
];

const DATA: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    optional("version", Version),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("datastore", Str),
    required("path", Str),
    read_only("properties"),
    optional("type", ExactlyOneOf(&["uri_file", "uri_folder", "mltable"])),
];

const DATA_ASSET: &[Field] =
    &[optional("name", Str), optional("path", Str), optional("version", Str), optional("data_id", Str)];

const DATA_COLLECTOR: &[Field] = &[
    required("collections", MapOf(&Nested(Shape::DeploymentCollection))),
    optional("rolling_rate", OneOf(&["day", "hour", "minute"])),
    optional("sampling_rate", Number),
    optional("request_logging", Nested(Shape::RequestLogging)),
];

const DATA_INPUT: &[Field] = &[
    optional("mode", OneOf(&["direct", "download", "ro_mount"])),
    optional("type", OneOf(&["uri_file", "uri_folder"])),
    optional("path", PATH_TY),
    optional("path_on_compute", LocalPath),
    optional("datastore", Str),
];

const DATA_TRANSFER_COPY: &[Field] = &[
    read_only("$schema"),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required(
        "component",
        Union(&[
            Registry,
            ArmAnyVersion("components"),
            Open(Shape::AnonymousDataTransferCopyComponent),
            ComponentFile(Shape::AnonymousDataTransferCopyComponent),
        ]),
    ),
    required("task", OneOf(&["copy_data"])),
    required("type", OneOf(&["data_transfer"])),
    optional("compute", NODE_COMPUTE_TY),
];

const DATA_TRANSFER_EXPORT: &[Field] = &[
    read_only("$schema"),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required("component", SPEC_COMPONENT_TY),
    optional("task", OneOf(&["export_data"])),
    optional("type", OneOf(&["data_transfer"])),
    optional("compute", NODE_COMPUTE_TY),
    required("sink", SOURCE_TY),
];

const DATA_TRANSFER_IMPORT: &[Field] = &[
    read_only("$schema"),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&Union(&[Binding, OutputBinding, Nested(Shape::Output)]))),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required("component", SPEC_COMPONENT_TY),
    required("task", OneOf(&["import_data"])),
    required("type", OneOf(&["data_transfer"])),
    optional("compute", NODE_COMPUTE_TY),
    required("source", SOURCE_TY),
];

const DATABASE: &[Field] = &[
    required("type", OneOf(&["database"])),
    optional("table_name", Str),
    optional("query", Str),
    optional("stored_procedure", Str),
    optional("stored_procedure_params", ListOf(&Nested(Shape::StoredProcedureParams))),
    required("connection", Str),
];

const DATABASE_IMPORT_SOURCE: &[Field] = &[
    required("type", OneOf(&["azuresqldb", "azuresynapseanalytics", "snowflake"])),
    required("connection", Str),
    required("query", Str),
];

const DEFAULT_SCALE_SETTINGS: &[Field] = &[required("type", SnakeOneOf(&["default"]))];

const DEPLOYMENT_COLLECTION: &[Field] = &[
    required("enabled", OneOf(&["false", "true"])),
    optional("data", Union(&[Nested(Shape::DataAsset), Str])),
    optional("client_id", Str),
];

const DEPLOYMENT_TEMPLATE_REFERENCE: &[Field] = &[optional("asset_id", Str)];

const ENVIRONMENT: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    optional("id", Union(&[Registry, Arm("environments")])),
    optional("description", Str),
    optional("tags", Map),
    optional("version", Version),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("build", Nested(Shape::BuildContext)),
    optional("image", Str),
    optional("conda_file", Union(&[Any, Str])),
    optional("inference_config", Nested(Shape::InferenceConfig)),
    optional("os_type", OneOf(&["linux", "windows"])),
    optional("datastore", Str),
    read_only("intellectual_property"),
];

const FILE_IMPORT_SOURCE: &[Field] =
    &[required("type", OneOf(&["s3"])), required("connection", Str), required("path", Str)];

const FILE_SYSTEM: &[Field] =
    &[optional("type", OneOf(&["file_system"])), optional("path", Str), required("connection", Str)];

const FORECASTING_SETTINGS: &[Field] = &[
    optional("country_or_region_for_holidays", Str),
    optional("cv_step_size", Int),
    optional("forecast_horizon", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("target_lags", Union(&[Binding, OneOf(&["auto"]), Int, ListOf(&Union(&[Binding, Int]))])),
    optional("target_rolling_window_size", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("time_column_name", Str),
    optional("time_series_id_column_names", TIME_SERIES_ID_COLUMN_NAMES_TY),
    optional("frequency", Str),
    optional("feature_lags", OneOf(&["auto", "none"])),
    optional("seasonality", Union(&[Binding, OneOf(&["auto"]), Int])),
    optional("short_series_handling_config", OneOf(&["auto", "drop", "none", "pad"])),
    optional("use_stl", OneOf(&["none", "season", "seasontrend"])),
    optional("target_aggregate_function", OneOf(&["max", "mean", "min", "none", "sum"])),
    optional("features_unknown_at_forecast_time", TIME_SERIES_ID_COLUMN_NAMES_TY),
];

const FORECASTING_TRAINING_SETTINGS: &[Field] = &[
    optional("enable_dnn_training", Bool),
    optional("enable_model_explainability", Bool),
    optional("enable_onnx_compatible_models", Bool),
    optional("enable_stack_ensemble", Bool),
    optional("enable_vote_ensemble", Bool),
    optional("ensemble_model_download_timeout_minutes", Int),
    optional("stack_ensemble_settings", Nested(Shape::StackEnsembleSettings)),
    optional("training_mode", TRAINING_MODE_TY),
    optional("allowed_training_algorithms", ALLOWED_TRAINING_ALGORITHMS_TY),
    optional("blocked_training_algorithms", ALLOWED_TRAINING_ALGORITHMS_TY),
];

const GRID_SAMPLING_ALGORITHM: &[Field] = &[required("type", SnakeOneOf(&["grid"]))];

const IDENTITY: &[Field] = &[
    optional("type", SnakeOneOf(&["none", "system_assigned", "user_assigned"])),
    optional("principal_id", Str),
    optional("tenant_id", Str),
    optional("user_assigned_identities", ListOf(&MapOf(&Str))),
];

const IMAGE_CLASSIFICATION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    optional("training_parameters", TRAINING_PARAMETERS_TY),
    optional("search_space", SEARCH_SPACE_TY),
    required("task", SnakeOneOf(&["image_classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
];

const IMAGE_CLASSIFICATION_MULTICLASS_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", TEST_DATA_TY),
    optional("test_data_size", Number),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    optional("training_parameters", TRAINING_PARAMETERS_TY),
    optional("search_space", SEARCH_SPACE_TY),
    required("task", SnakeOneOf(&["image_classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
];

const IMAGE_CLASSIFICATION_MULTILABEL: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    optional("training_parameters", TRAINING_PARAMETERS_TY),
    optional("search_space", SEARCH_SPACE_TY),
    required("task", TASK_TY),
    optional("primary_metric", COMPONENT_PRIMARY_METRIC_TY),
];

const IMAGE_CLASSIFICATION_MULTILABEL_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", TEST_DATA_TY),
    optional("test_data_size", Number),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    optional("training_parameters", TRAINING_PARAMETERS_TY),
    optional("search_space", SEARCH_SPACE_TY),
    required("task", TASK_TY),
    optional("primary_metric", COMPONENT_PRIMARY_METRIC_TY),
];

const IMAGE_INSTANCE_SEGMENTATION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    required("task", SnakeOneOf(&["image_instance_segmentation"])),
    optional("primary_metric", SnakeOneOf(&["mean_average_precision"])),
    optional("training_parameters", SPEC_TRAINING_PARAMETERS_TY),
    optional("search_space", SPEC_SEARCH_SPACE_TY),
];

const IMAGE_INSTANCE_SEGMENTATION_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", TEST_DATA_TY),
    optional("test_data_size", Number),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    required("task", SnakeOneOf(&["image_instance_segmentation"])),
    optional("primary_metric", SnakeOneOf(&["mean_average_precision"])),
    optional("training_parameters", SPEC_TRAINING_PARAMETERS_TY),
    optional("search_space", SPEC_SEARCH_SPACE_TY),
];

const IMAGE_LIMITS: &[Field] =
    &[optional("max_concurrent_trials", Int), optional("max_trials", Int), optional("timeout_minutes", Int)];

const IMAGE_MODEL_DISTRIBUTION_SETTINGS_CLASSIFICATION: &[Field] = &[
    optional("ams_gradient", AMS_GRADIENT_TY),
    optional("augmentations", AUGMENTATIONS_TY),
    optional("beta1", LEARNING_RATE_TY),
    optional("beta2", LEARNING_RATE_TY),
    optional("distributed", AMS_GRADIENT_TY),
    optional("early_stopping", AMS_GRADIENT_TY),
    optional("early_stopping_delay", EARLY_STOPPING_DELAY_TY),
    optional("early_stopping_patience", EARLY_STOPPING_DELAY_TY),
    optional("evaluation_frequency", EARLY_STOPPING_DELAY_TY),
    optional("enable_onnx_normalization", AMS_GRADIENT_TY),
    optional("gradient_accumulation_step", EARLY_STOPPING_DELAY_TY),
    optional("layers_to_freeze", EARLY_STOPPING_DELAY_TY),
    optional("learning_rate", LEARNING_RATE_TY),
    optional("learning_rate_scheduler", LEARNING_RATE_SCHEDULER_TY),
    optional("momentum", LEARNING_RATE_TY),
    optional("nesterov", AMS_GRADIENT_TY),
    optional("number_of_epochs", EARLY_STOPPING_DELAY_TY),
    optional("number_of_workers", EARLY_STOPPING_DELAY_TY),
    optional("optimizer", OPTIMIZER_TY),
    optional("random_seed", EARLY_STOPPING_DELAY_TY),
    optional("step_lr_gamma", LEARNING_RATE_TY),
    optional("step_lr_step_size", EARLY_STOPPING_DELAY_TY),
    optional("training_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("validation_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("warmup_cosine_lr_cycles", LEARNING_RATE_TY),
    optional("warmup_cosine_lr_warmup_epochs", EARLY_STOPPING_DELAY_TY),
    optional("weight_decay", LEARNING_RATE_TY),
    optional("model_name", AUGMENTATIONS_TY),
    optional("training_crop_size", EARLY_STOPPING_DELAY_TY),
    optional("validation_crop_size", EARLY_STOPPING_DELAY_TY),
    optional("validation_resize_size", EARLY_STOPPING_DELAY_TY),
    optional("weighted_loss", EARLY_STOPPING_DELAY_TY),
];

const IMAGE_MODEL_DISTRIBUTION_SETTINGS_INSTANCE_SEGMENTATION: &[Field] = &[
    optional("ams_gradient", AMS_GRADIENT_TY),
    optional("augmentations", AUGMENTATIONS_TY),
    optional("beta1", LEARNING_RATE_TY),
    optional("beta2", LEARNING_RATE_TY),
    optional("distributed", AMS_GRADIENT_TY),
    optional("early_stopping", AMS_GRADIENT_TY),
    optional("early_stopping_delay", EARLY_STOPPING_DELAY_TY),
    optional("early_stopping_patience", EARLY_STOPPING_DELAY_TY),
    optional("evaluation_frequency", EARLY_STOPPING_DELAY_TY),
    optional("enable_onnx_normalization", AMS_GRADIENT_TY),
    optional("gradient_accumulation_step", EARLY_STOPPING_DELAY_TY),
    optional("layers_to_freeze", EARLY_STOPPING_DELAY_TY),
    optional("learning_rate", LEARNING_RATE_TY),
    optional("learning_rate_scheduler", LEARNING_RATE_SCHEDULER_TY),
    optional("momentum", LEARNING_RATE_TY),
    optional("nesterov", AMS_GRADIENT_TY),
    optional("number_of_epochs", EARLY_STOPPING_DELAY_TY),
    optional("number_of_workers", EARLY_STOPPING_DELAY_TY),
    optional("optimizer", OPTIMIZER_TY),
    optional("random_seed", EARLY_STOPPING_DELAY_TY),
    optional("step_lr_gamma", LEARNING_RATE_TY),
    optional("step_lr_step_size", EARLY_STOPPING_DELAY_TY),
    optional("training_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("validation_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("warmup_cosine_lr_cycles", LEARNING_RATE_TY),
    optional("warmup_cosine_lr_warmup_epochs", EARLY_STOPPING_DELAY_TY),
    optional("weight_decay", LEARNING_RATE_TY),
    optional("box_detections_per_image", EARLY_STOPPING_DELAY_TY),
    optional("box_score_threshold", LEARNING_RATE_TY),
    optional("image_size", EARLY_STOPPING_DELAY_TY),
    optional("max_size", EARLY_STOPPING_DELAY_TY),
    optional("min_size", EARLY_STOPPING_DELAY_TY),
    optional("model_size", MODEL_SIZE_TY),
    optional("multi_scale", AMS_GRADIENT_TY),
    optional("nms_iou_threshold", LEARNING_RATE_TY),
    optional("tile_grid_size", AUGMENTATIONS_TY),
    optional("tile_overlap_ratio", LEARNING_RATE_TY),
    optional("tile_predictions_nms_threshold", LEARNING_RATE_TY),
    optional("validation_iou_threshold", LEARNING_RATE_TY),
    optional("validation_metric_type", VALIDATION_METRIC_TYPE_TY),
    optional("model_name", AUGMENTATIONS_TY),
];

const IMAGE_MODEL_DISTRIBUTION_SETTINGS_OBJECT_DETECTION: &[Field] = &[
    optional("ams_gradient", AMS_GRADIENT_TY),
    optional("augmentations", AUGMENTATIONS_TY),
    optional("beta1", LEARNING_RATE_TY),
    optional("beta2", LEARNING_RATE_TY),
    optional("distributed", AMS_GRADIENT_TY),
    optional("early_stopping", AMS_GRADIENT_TY),
    optional("early_stopping_delay", EARLY_STOPPING_DELAY_TY),
    optional("early_stopping_patience", EARLY_STOPPING_DELAY_TY),
    optional("evaluation_frequency", EARLY_STOPPING_DELAY_TY),
    optional("enable_onnx_normalization", AMS_GRADIENT_TY),
    optional("gradient_accumulation_step", EARLY_STOPPING_DELAY_TY),
    optional("layers_to_freeze", EARLY_STOPPING_DELAY_TY),
    optional("learning_rate", LEARNING_RATE_TY),
    optional("learning_rate_scheduler", LEARNING_RATE_SCHEDULER_TY),
    optional("momentum", LEARNING_RATE_TY),
    optional("nesterov", AMS_GRADIENT_TY),
    optional("number_of_epochs", EARLY_STOPPING_DELAY_TY),
    optional("number_of_workers", EARLY_STOPPING_DELAY_TY),
    optional("optimizer", OPTIMIZER_TY),
    optional("random_seed", EARLY_STOPPING_DELAY_TY),
    optional("step_lr_gamma", LEARNING_RATE_TY),
    optional("step_lr_step_size", EARLY_STOPPING_DELAY_TY),
    optional("training_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("validation_batch_size", EARLY_STOPPING_DELAY_TY),
    optional("warmup_cosine_lr_cycles", LEARNING_RATE_TY),
    optional("warmup_cosine_lr_warmup_epochs", EARLY_STOPPING_DELAY_TY),
    optional("weight_decay", LEARNING_RATE_TY),
    optional("box_detections_per_image", EARLY_STOPPING_DELAY_TY),
    optional("box_score_threshold", LEARNING_RATE_TY),
    optional("image_size", EARLY_STOPPING_DELAY_TY),
    optional("max_size", EARLY_STOPPING_DELAY_TY),
    optional("min_size", EARLY_STOPPING_DELAY_TY),
    optional("model_size", MODEL_SIZE_TY),
    optional("multi_scale", AMS_GRADIENT_TY),
    optional("nms_iou_threshold", LEARNING_RATE_TY),
    optional("tile_grid_size", AUGMENTATIONS_TY),
    optional("tile_overlap_ratio", LEARNING_RATE_TY),
    optional("tile_predictions_nms_threshold", LEARNING_RATE_TY),
    optional("validation_iou_threshold", LEARNING_RATE_TY),
    optional("validation_metric_type", VALIDATION_METRIC_TYPE_TY),
    optional("model_name", AUGMENTATIONS_TY),
];

const IMAGE_MODEL_SETTINGS_CLASSIFICATION: &[Field] = &[
    optional("ams_gradient", Bool),
    optional("advanced_settings", Str),
    optional("beta1", Number),
    optional("beta2", Number),
    optional("checkpoint_frequency", Int),
    optional("checkpoint_run_id", Str),
    optional("distributed", Bool),
    optional("early_stopping", Bool),
    optional("early_stopping_delay", Int),
    optional("early_stopping_patience", Int),
    optional("evaluation_frequency", Int),
    optional("enable_onnx_normalization", Bool),
    optional("gradient_accumulation_step", Int),
    optional("layers_to_freeze", Int),
    optional("learning_rate", Number),
    optional("learning_rate_scheduler", SPEC_LEARNING_RATE_SCHEDULER_TY),
    optional("model_name", Str),
    optional("momentum", Number),
    optional("nesterov", Bool),
    optional("number_of_epochs", Int),
    optional("number_of_workers", Int),
    optional("optimizer", SPEC_OPTIMIZER_TY),
    optional("random_seed", Int),
    optional("step_lr_gamma", Number),
    optional("step_lr_step_size", Int),
    optional("training_batch_size", Int),
    optional("validation_batch_size", Int),
    optional("warmup_cosine_lr_cycles", Number),
    optional("warmup_cosine_lr_warmup_epochs", Int),
    optional("weight_decay", Number),
    optional("training_crop_size", Int),
    optional("validation_crop_size", Int),
    optional("validation_resize_size", Int),
    optional("weighted_loss", Int),
];

const IMAGE_MODEL_SETTINGS_OBJECT_DETECTION: &[Field] = &[
    optional("ams_gradient", Bool),
    optional("advanced_settings", Str),
    optional("beta1", Number),
    optional("beta2", Number),
    optional("checkpoint_frequency", Int),
    optional("checkpoint_run_id", Str),
    optional("distributed", Bool),
    optional("early_stopping", Bool),
    optional("early_stopping_delay", Int),
    optional("early_stopping_patience", Int),
    optional("evaluation_frequency", Int),
    optional("enable_onnx_normalization", Bool),
    optional("gradient_accumulation_step", Int),
    optional("layers_to_freeze", Int),
    optional("learning_rate", Number),
    optional("learning_rate_scheduler", SPEC_LEARNING_RATE_SCHEDULER_TY),
    optional("model_name", Str),
    optional("momentum", Number),
    optional("nesterov", Bool),
    optional("number_of_epochs", Int),
    optional("number_of_workers", Int),
    optional("optimizer", SPEC_OPTIMIZER_TY),
    optional("random_seed", Int),
    optional("step_lr_gamma", Number),
    optional("step_lr_step_size", Int),
    optional("training_batch_size", Int),
    optional("validation_batch_size", Int),
    optional("warmup_cosine_lr_cycles", Number),
    optional("warmup_cosine_lr_warmup_epochs", Int),
    optional("weight_decay", Number),
    optional("box_detections_per_image", Int),
    optional("box_score_threshold", Number),
    optional("image_size", Int),
    optional("max_size", Int),
    optional("min_size", Int),
    optional("model_size", SnakeOneOf(&["extra_large", "large", "medium", "none", "small"])),
    optional("multi_scale", Bool),
    optional("nms_iou_threshold", Number),
    optional("tile_grid_size", Str),
    optional("tile_overlap_ratio", Number),
    optional("tile_predictions_nms_threshold", Number),
    optional("validation_iou_threshold", Number),
    optional("validation_metric_type", SnakeOneOf(&["coco", "coco_voc", "none", "voc"])),
    optional("log_training_metrics", Str),
    optional("log_validation_loss", Str),
];

const IMAGE_OBJECT_DETECTION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", Nested(Shape::MlTableInput)),
    optional("test_data_size", Number),
    optional("validation_data", Nested(Shape::MlTableInput)),
    optional("validation_data_size", Number),
    required("task", SnakeOneOf(&["image_object_detection"])),
    optional("primary_metric", SnakeOneOf(&["mean_average_precision"])),
    optional("training_parameters", SPEC_TRAINING_PARAMETERS_TY),
    optional("search_space", COMPONENT_SEARCH_SPACE_TY),
];

const IMAGE_OBJECT_DETECTION_NODE: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", PROPERTIES_TY),
    read_only("creation_context"),
    optional("services", NODE_SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", PROPERTIES_TY),
    read_only("log_files"),
    optional("compute", NODE_COMPUTE_TY),
    optional("identity", NODE_IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Union(&[Binding, Str]))),
    optional("outputs", OUTPUTS_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", TRAINING_DATA_TY),
    optional("limits", Nested(Shape::ImageLimits)),
    optional("sweep", Nested(Shape::ImageSweepSettings)),
    required("target_column_name", Str),
    optional("test_data", TEST_DATA_TY),
    optional("test_data_size", Number),
    optional("validation_data", TRAINING_DATA_TY),
    optional("validation_data_size", Number),
    required("task", SnakeOneOf(&["image_object_detection"])),
    optional("primary_metric", SnakeOneOf(&["mean_average_precision"])),
    optional("training_parameters", SPEC_TRAINING_PARAMETERS_TY),
    optional("search_space", COMPONENT_SEARCH_SPACE_TY),
];

const IMAGE_SWEEP_SETTINGS: &[Field] = &[
    optional("sampling_algorithm", SAMPLING_ALGORITHM_TY),
    optional("early_termination", EARLY_TERMINATION_TY),
];

const IMPORT: &[Field] = &[
    read_only("$schema"),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required(
        "component",
        Union(&[
            Registry,
            ArmAnyVersion("components"),
            Open(Shape::AnonymousImportComponent),
            ComponentFile(Shape::AnonymousImportComponent),
        ]),
    ),
    optional("type", OneOf(&["import"])),
];

const IMPORT_COMPONENT: &[Field] = &[
    required("name", ComponentName),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    optional("version", ComponentVersion),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("type", OneOf(&["import"])),
    required("source", MapOf(&Nested(Shape::Parameter))),
    required("output", Nested(Shape::OutputPort)),
];

const INFERENCE_CONFIG: &[Field] = &[
    required("liveness_route", Nested(Shape::Route)),
    required("scoring_route", Nested(Shape::Route)),
    required("readiness_route", Nested(Shape::Route)),
];

const INPUT_LITERAL_VALUE: &[Field] = &[optional("value", Union(&[Str, Bool, Int, Number]))];

const INPUT_PORT: &[Field] = &[
    required("type", COMPONENT_TYPE_TY),
    optional("description", Str),
    optional("optional", Bool),
    optional("default", Str),
    optional("mode", MODE_TY),
];

const INTEGER_QNORMAL: &[Field] = &[
    required("type", OneOf(&["qlognormal", "qnormal"])),
    required("mu", WholeOnly),
    required("sigma", WholeOnly),
    required("q", WholeOnly),
];

const INTEGER_QUNIFORM: &[Field] = &[
    required("type", OneOf(&["qloguniform", "quniform"])),
    required("min_value", WholeOnly),
    required("max_value", WholeOnly),
    required("q", WholeOnly),
];

const INTELLECTUAL_PROPERTY: &[Field] =
    &[optional("publisher", Str), optional("protection_level", SnakeOneOf(&["all", "none"]))];

const JOB_RESOURCE_CONFIGURATION: &[Field] = &[
    optional("instance_count", Int),
    optional("instance_type", Str),
    optional("properties", Map),
    optional("locations", ListOf(&Str)),
    optional("shm_size", Str),
    optional("max_instance_count", Int),
    optional("docker_args", Union(&[Str, ListOf(&Str)])),
];

const JOB_SCHEDULE: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    optional("id", Str),
    optional("description", Str),
    optional("tags", Map),
    optional("display_name", Str),
    required("trigger", Union(&[Nested(Shape::CronTrigger), Nested(Shape::RecurrenceTrigger)])),
    read_only("creation_context"),
    read_only("is_enabled"),
    read_only("provisioning_state"),
    optional("properties", MapOf(&OrNull(&Str))),
    required("create_job", CREATE_JOB_TY),
];

const JOB_SERVICE: &[Field] = &[
    read_only("$schema"),
    optional("port", Int),
    read_only("endpoint"),
    read_only("status"),
    optional("nodes", Str),
    read_only("error_message"),
    optional("properties", Map),
    optional("type", Union(&[OneOf(&["jupyter_lab", "ssh", "tensor_board", "vs_code"]), Str])),
];

const JUPYTER_LAB_JOB_SERVICE: &[Field] = &[
    read_only("$schema"),
    optional("port", Int),
    read_only("endpoint"),
    read_only("status"),
    optional("nodes", Str),
    read_only("error_message"),
    optional("properties", Map),
    optional("type", OneOf(&["jupyter_lab"])),
];

const KUBERNETES_ONLINE_DEPLOYMENT: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    required("endpoint_name", Str),
    optional("description", Str),
    optional("id", Str),
    optional("tags", Map),
    optional("properties", Map),
    optional("model", MODEL_TY),
    optional("code_configuration", Nested(Shape::CodeConfiguration)),
    optional("environment", COMPONENT_ENVIRONMENT_TY),
    optional("environment_variables", Map),
    optional("app_insights_enabled", Bool),
    optional("scale_settings", SCALE_SETTINGS_TY),
    optional("request_settings", Nested(Shape::RequestSettings)),
    optional("liveness_probe", Nested(Shape::LivenessProbe)),
    optional("readiness_probe", Nested(Shape::LivenessProbe)),
    optional("provisioning_state", Str),
    optional("instance_count", Int),
    optional("type", SnakeOneOf(&["kubernetes", "managed"])),
    optional("model_mount_path", Str),
    optional("instance_type", Str),
    optional("data_collector", Nested(Shape::DataCollector)),
    optional("resources", Nested(Shape::ResourceRequirements)),
];

const KUBERNETES_ONLINE_ENDPOINT: &[Field] = &[
    read_only("$schema"),
    optional("id", Str),
    required("name", EndpointName),
    optional("description", Str),
    optional("tags", Map),
    optional("provisioning_state", Str),
    optional("properties", Map),
    optional("auth_mode", AUTH_MODE_TY),
    optional("scoring_uri", Str),
    optional("location", Str),
    optional("openapi_uri", Str),
    optional("identity", Nested(Shape::Identity)),
    optional("traffic", MapOf(&Int)),
    read_only("kind"),
    optional("mirror_traffic", MapOf(&Int)),
    optional("compute", Arm("computes")),
];

const LIVENESS_PROBE: &[Field] = &[
    optional("period", Int),
    optional("initial_delay", Int),
    optional("timeout", Int),
    optional("success_threshold", Int),
    optional("failure_threshold", Int),
];

const MANAGED_IDENTITY: &[Field] = &[
    required("type", SnakeOneOf(&["managed", "managed_identity"])),
    optional("client_id", Str),
    optional("object_id", Str),
];

const MANAGED_ONLINE_DEPLOYMENT: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    required("endpoint_name", Str),
    optional("description", Str),
    optional("id", Str),
    optional("tags", Map),
    optional("properties", Map),
    optional("model", MODEL_TY),
    optional("code_configuration", Nested(Shape::CodeConfiguration)),
    optional("environment", COMPONENT_ENVIRONMENT_TY),
    optional("environment_variables", Map),
    optional("app_insights_enabled", Bool),
    optional("scale_settings", SCALE_SETTINGS_TY),
    optional("request_settings", Nested(Shape::RequestSettings)),
    optional("liveness_probe", Nested(Shape::LivenessProbe)),
    optional("readiness_probe", Nested(Shape::LivenessProbe)),
    optional("provisioning_state", Str),
    optional("instance_count", Int),
    optional("type", SnakeOneOf(&["kubernetes", "managed"])),
    optional("model_mount_path", Str),
    required("instance_type", Str),
    optional("data_collector", Nested(Shape::DataCollector)),
    optional("egress_public_network_access", OneOf(&["disabled", "enabled"])),
    optional("private_network_connection", Bool),
    read_only("creation_context"),
];

const MANAGED_ONLINE_ENDPOINT: &[Field] = &[
    read_only("$schema"),
    optional("id", Str),
    required("name", EndpointName),
    optional("description", Str),
    optional("tags", Map),
    optional("provisioning_state", Str),
    optional("properties", Map),
    optional("auth_mode", AUTH_MODE_TY),
    optional("scoring_uri", Str),
    optional("location", Str),
    optional("openapi_uri", Str),
    optional("identity", Nested(Shape::Identity)),
    optional("traffic", MapOf(&Int)),
    read_only("kind"),
    optional("mirror_traffic", MapOf(&Int)),
    optional("public_network_access", OneOf(&["disabled", "enabled"])),
];

const MEDIAN_STOPPING_POLICY: &[Field] = &[
    optional("evaluation_interval", OrNull(&Int)),
    optional("delay_evaluation", OrNull(&Int)),
    required("type", SnakeOneOf(&["median_stopping"])),
];

const ML_TABLE_INPUT: &[Field] = &[
    optional("mode", OneOf(&["direct", "download", "eval_download", "eval_mount", "ro_mount"])),
    optional("type", OneOf(&["mltable"])),
    optional("path", PATH_TY),
    optional("path_on_compute", LocalPath),
    optional("datastore", Str),
];

const MODEL: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    read_only("id"),
    optional("type", TYPE_TY),
    optional("path", Str),
    optional("version", Version),
    optional("description", Str),
    optional("properties", Map),
    optional("tags", Map),
    optional("stage", Str),
    read_only("utc_time_created"),
    optional("flavors", Map),
    read_only("creation_context"),
    read_only("job_name"),
    read_only("latest_version"),
    optional("datastore", Str),
    read_only("intellectual_property"),
    optional("system_metadata", Map),
    optional("default_deployment_template", Nested(Shape::DeploymentTemplateReference)),
    optional("allowed_deployment_templates", ALLOWED_DEPLOYMENT_TEMPLATES_TY),
];

const MODEL_BATCH_DEPLOYMENT: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    required("endpoint_name", Str),
    optional("description", Str),
    optional("id", Str),
    optional("tags", Map),
    optional("properties", Map),
    optional("model", MODEL_TY),
    optional("code_configuration", Nested(Shape::CodeConfiguration)),
    optional("environment", COMPONENT_ENVIRONMENT_TY),
    optional("environment_variables", Map),
    required("compute", COMPUTE_TY),
    optional("error_threshold", Int),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("type", OneOf(&["model", "pipeline"])),
    optional("settings", Nested(Shape::ModelBatchDeploymentSettings)),
];

const MODEL_BATCH_DEPLOYMENT_SETTINGS: &[Field] = &[
    optional("error_threshold", Int),
    optional("instance_count", Int),
    optional("retry_settings", Nested(Shape::BatchRetrySettings)),
    optional("mini_batch_size", Int),
    optional("logging_level", Str),
    optional("output_action", OneOf(&["append_row", "summary_only"])),
    optional("output_file_name", Str),
    optional("max_concurrency_per_instance", Int),
    optional("environment_variables", Map),
];

const MODEL_INPUT: &[Field] = &[
    optional("mode", OneOf(&["direct", "download", "ro_mount"])),
    optional("type", TYPE_TY),
    optional("path", Union(&[ArmVersioned("models"), Str, LocalPath])),
    optional("datastore", Str),
];

const MPI_DISTRIBUTION: &[Field] =
    &[required("type", OneOf(&["mpi"])), optional("process_count_per_instance", Int)];

const NLP_FEATURIZATION_SETTINGS: &[Field] = &[optional("dataset_language", Str)];

const NLP_FIXED_PARAMETERS: &[Field] = &[
    optional("gradient_accumulation_steps", Int),
    optional("learning_rate", Number),
    optional(
        "learning_rate_scheduler",
        SnakeOneOf(&[
            "constant",
            "constant_with_warmup",
            "cosine",
            "cosine_with_restarts",
            "linear",
            "none",
            "polynomial",
        ]),
    ),
    optional("model_name", Str),
    optional("number_of_epochs", Int),
    optional("training_batch_size", Int),
    optional("validation_batch_size", Int),
    optional("warmup_ratio", Number),
    optional("weight_decay", Number),
];

const NLP_LIMITS: &[Field] = &[
    optional("max_concurrent_trials", Int),
    optional("max_trials", Int),
    optional("max_nodes", Int),
    optional("timeout_minutes", Int),
    optional("trial_timeout_minutes", Int),
];

const NLP_PARAMETER_SUBSPACE: &[Field] = &[
    optional("gradient_accumulation_steps", GRADIENT_ACCUMULATION_STEPS_TY),
    optional("learning_rate", LEARNING_RATE_TY),
    optional(
        "learning_rate_scheduler",
        Union(&[
            Binding,
            SnakeOneOf(&[
                "constant",
                "constant_with_warmup",
                "cosine",
                "cosine_with_restarts",
                "linear",
                "none",
                "polynomial",
            ]),
            Nested(Shape::ChoiceOfNlpSchedule),
        ]),
    ),
    optional("model_name", Union(&[Binding, Str, Nested(Shape::ChoiceOfString)])),
    optional("number_of_epochs", GRADIENT_ACCUMULATION_STEPS_TY),
    optional("training_batch_size", GRADIENT_ACCUMULATION_STEPS_TY),
    optional("validation_batch_size", GRADIENT_ACCUMULATION_STEPS_TY),
    optional("warmup_ratio", LEARNING_RATE_TY),
    optional("weight_decay", LEARNING_RATE_TY),
];

const NLP_SWEEP_SETTINGS: &[Field] = &[
    optional("sampling_algorithm", SAMPLING_ALGORITHM_TY),
    optional("early_termination", EARLY_TERMINATION_TY),
];

const NORMAL: &[Field] = &[
    required("type", OneOf(&["lognormal", "normal"])),
    required("mu", Union(&[Binding, WholeOnly, Number])),
    required("sigma", Union(&[Binding, WholeOnly, Number])),
];

const OUTPUT: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    optional("version", Version),
    optional("mode", OneOf(&["direct", "mount", "rw_mount", "upload"])),
    optional(
        "type",
        OneOf(&["custom_model", "mlflow_model", "mltable", "triton_model", "uri_file", "uri_folder"]),
    ),
    optional("path", Str),
];

const OUTPUT_PORT: &[Field] =
    &[required("type", COMPONENT_TYPE_TY), optional("description", Str), optional("mode", MODE_TY)];

const PARALLEL: &[Field] = &[
    read_only("$schema"),
    optional("logging_level", ExactlyOneOf(&["DEBUG", "INFO", "WARNING"])),
    optional("task", Open(Shape::ComponentParallelTask)),
    optional("mini_batch_size", Str),
    optional("partition_keys", ListOf(&Union(&[Binding, Str]))),
    optional("input_data", Str),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("retry_settings", Open(Shape::RetrySettings)),
    optional("max_concurrency_per_instance", Int),
    optional("error_threshold", Int),
    optional("mini_batch_error_threshold", Int),
    optional("environment_variables", NODE_ENVIRONMENT_VARIABLES_TY),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    optional("compute", NODE_COMPUTE_TY),
    required(
        "component",
        Union(&[
            Registry,
            ArmAnyVersion("components"),
            Open(Shape::AnonymousParallelComponent),
            ComponentFile(Shape::AnonymousParallelComponent),
        ]),
    ),
    optional("identity", NODE_IDENTITY_TY),
    optional("type", OneOf(&["parallel"])),
];

const PARALLEL_COMPONENT: &[Field] = &[
    required("name", ComponentName),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    optional("version", ComponentVersion),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    required("type", OneOf(&["parallel"])),
    optional("resources", Open(Shape::ComponentResource)),
    optional("logging_level", ExactlyOneOf(&["DEBUG", "INFO", "WARNING"])),
    optional("task", Open(Shape::ComponentParallelTask)),
    optional("mini_batch_size", Str),
    optional("partition_keys", ListOf(&Str)),
    optional("input_data", Str),
    optional("retry_settings", Open(Shape::RetrySettings)),
    optional("max_concurrency_per_instance", Int),
    optional("error_threshold", Int),
    optional("mini_batch_error_threshold", Int),
];

const PARAMETER: &[Field] = &[
    required("type", SPEC_TYPE_TY),
    optional("optional", Bool),
    optional("default", Union(&[Str, AnyNumber, Bool])),
    optional("description", Str),
    optional("max", Union(&[Str, AnyNumber])),
    optional("min", Union(&[Str, AnyNumber])),
    optional("enum", ListOf(&Str)),
];

const PARAMETERIZED_COMMAND: &[Field] = &[
    read_only("$schema"),
    required("command", Str),
    optional("code", CODE_TY),
    required("environment", ENVIRONMENT_TY),
    optional("environment_variables", ENVIRONMENT_VARIABLES_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("distribution", DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
];

const PIPELINE: &[Field] = &[
    read_only("$schema"),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    required("component", COMPONENT_TY),
    optional("type", OneOf(&["pipeline"])),
];

const PIPELINE_COMMAND_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("command", Str),
    optional("code", CODE_TY),
    optional("environment", ENVIRONMENT_TY),
    optional("environment_variables", ENVIRONMENT_VARIABLES_TY),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("distribution", DISTRIBUTION_TY),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("type", OneOf(&["command"])),
    optional("limits", Nested(Shape::CommandJobLimits)),
    read_only("parameters"),
    optional("inputs", INPUTS_TY),
    optional("outputs", SPEC_OUTPUTS_TY),
    optional("parent_job_name", Str),
];

const PIPELINE_COMPONENT: &[Field] = &[
    required("name", ComponentName),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    optional("version", ComponentVersion),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", ALSO_OUTPUTS__TY),
    optional("type", OneOf(&["pipeline"])),
    optional("jobs", JOBS_TY),
];

const PIPELINE_COMPONENT_BATCH_DEPLOYMENT: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    optional("endpoint_name", Str),
    optional("component", COMPONENT_TY),
    optional("settings", Map),
    optional("type", OneOf(&["model", "pipeline"])),
    optional("job_definition", Union(&[Arm("jobs"), Open(Shape::Pipeline)])),
    optional("tags", Map),
    optional("description", Str),
];

const PIPELINE_COMPONENT_FILE: &[Field] = &[
    read_only("name"),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    read_only("version"),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", ALSO_OUTPUTS__TY),
    optional("type", OneOf(&["pipeline"])),
    optional("jobs", JOBS_TY),
];

const PIPELINE_CREATE_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("job", Union(&[Arm("jobs"), LocalFile])),
    optional("type", OneOf(&["pipeline"])),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("settings", Open(Shape::PipelineJobSettings)),
];

const PIPELINE_DATA_TRANSFER_COPY_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["data_transfer"])),
    required("task", OneOf(&["copy_data"])),
    optional("data_copy_mode", DATA_COPY_MODE_TY),
    optional("inputs", INPUTS_TY),
    optional("outputs", COMPONENT_OUTPUTS_TY),
];

const PIPELINE_DATA_TRANSFER_EXPORT_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["data_transfer"])),
    required("task", OneOf(&["export_data"])),
    optional("inputs", INPUTS_TY),
    required("sink", SPEC_SOURCE_TY),
];

const PIPELINE_DATA_TRANSFER_IMPORT_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["data_transfer"])),
    required("task", OneOf(&["import_data"])),
    optional("outputs", COMPONENT_OUTPUTS_TY),
    required("source", SPEC_SOURCE_TY),
];

const PIPELINE_IMPORT_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("identity", IDENTITY_TY),
    optional("type", OneOf(&["import"])),
    required("source", Union(&[Nested(Shape::DatabaseImportSource), Nested(Shape::FileImportSource)])),
    required("output", Nested(Shape::Output)),
];

const PIPELINE_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    optional("type", OneOf(&["pipeline"])),
    optional("settings", Open(Shape::PipelineJobSettings)),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("jobs", JOBS_TY),
    optional("component", COMPONENT_TY),
];

const PIPELINE_JOB_SETTINGS: &[Field] = &[
    optional("default_datastore", Arm("datastores")),
    optional("default_compute", Union(&[OneOf(&["serverless"]), Arm("computes")])),
    optional("continue_on_step_failure", Bool),
    optional("force_rerun", Bool),
];

const PIPELINE_PARALLEL_JOB: &[Field] = &[
    read_only("$schema"),
    optional("logging_level", ExactlyOneOf(&["DEBUG", "INFO", "WARNING"])),
    optional("task", Open(Shape::ComponentParallelTask)),
    optional("mini_batch_size", Str),
    optional("partition_keys", ListOf(&Union(&[Binding, Str]))),
    optional("input_data", Str),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("retry_settings", Open(Shape::RetrySettings)),
    optional("max_concurrency_per_instance", Int),
    optional("error_threshold", Int),
    optional("mini_batch_error_threshold", Int),
    optional("environment_variables", NODE_ENVIRONMENT_VARIABLES_TY),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("type", OneOf(&["parallel"])),
    optional("compute", NODE_COMPUTE_TY),
    optional("environment", NODE_ENVIRONMENT_TY),
];

const PIPELINE_SPARK_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&Any)),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    optional("code", CODE_TY),
    required("entry", ENTRY_TY),
    optional("py_files", ListOf(&Str)),
    optional("jars", ListOf(&Str)),
    optional("files", ListOf(&Str)),
    optional("archives", ListOf(&Str)),
    optional("conf", MapOf(&Any)),
    optional("environment", SPEC_ENVIRONMENT_TY),
    optional("args", Str),
    required("type", OneOf(&["spark"])),
    optional("inputs", INPUTS_TY),
    optional("outputs", SPEC_OUTPUTS_TY),
    optional("resources", Nested(Shape::SparkResourceConfiguration)),
];

const PRIMITIVE_OUTPUT: &[Field] =
    &[required("type", SPEC_TYPE_TY), optional("description", Str), optional("mode", MODE_TY)];

const PY_TORCH_DISTRIBUTION: &[Field] =
    &[required("type", OneOf(&["pytorch"])), optional("process_count_per_instance", Int)];

const QNORMAL: &[Field] = &[
    required("type", OneOf(&["qlognormal", "qnormal"])),
    required("mu", Union(&[Binding, WholeOnly, Number])),
    required("sigma", Union(&[Binding, WholeOnly, Number])),
    required("q", Union(&[Binding, WholeOnly, Number])),
];

const QUNIFORM: &[Field] = &[
    required("type", OneOf(&["qloguniform", "quniform"])),
    required("min_value", Union(&[Binding, WholeOnly, Number])),
    required("max_value", Union(&[Binding, WholeOnly, Number])),
    required("q", Union(&[Binding, WholeOnly, Number])),
];

const QUEUE_SETTINGS: &[Field] = &[
    optional("job_tier", OneOf(&["basic", "null", "premium", "spot", "standard"])),
    optional("priority", OneOf(&["high", "low", "medium"])),
];

const RANDINT: &[Field] = &[required("type", OneOf(&["randint"])), required("upper", Int)];

const RANDOM_SAMPLING_ALGORITHM: &[Field] = &[
    required("type", SnakeOneOf(&["random"])),
    optional("seed", Int),
    optional("logbase", Union(&[Binding, Number, Str])),
    optional("rule", SnakeOneOf(&["random", "sobol"])),
];

const RAY_DISTRIBUTION: &[Field] = &[
    required("type", OneOf(&["ray"])),
    optional("port", Int),
    optional("address", Str),
    optional("include_dashboard", Bool),
    optional("dashboard_port", Int),
    optional("head_node_additional_args", Str),
    optional("worker_node_additional_args", Str),
];

const RECURRENCE_PATTERN: &[Field] = &[
    required("hours", Union(&[Int, ListOf(&Int)])),
    required("minutes", Union(&[Int, ListOf(&Int)])),
    optional(
        "week_days",
        Union(&[
            OneOf(&["friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday"]),
            ListOf(&OneOf(&["friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday"])),
        ]),
    ),
    optional("month_days", Union(&[Int, ListOf(&Int)])),
];

const RECURRENCE_TRIGGER: &[Field] = &[
    optional("start_time", Time),
    optional("end_time", Time),
    optional("time_zone", Str),
    required("type", OneOf(&["recurrence"])),
    required("frequency", OneOf(&["day", "hour", "minute", "month", "week"])),
    required("interval", Int),
    optional("schedule", Nested(Shape::RecurrencePattern)),
];

const REGRESSION_TRAINING_SETTINGS: &[Field] = &[
    optional("enable_dnn_training", Bool),
    optional("enable_model_explainability", Bool),
    optional("enable_onnx_compatible_models", Bool),
    optional("enable_stack_ensemble", Bool),
    optional("enable_vote_ensemble", Bool),
    optional("ensemble_model_download_timeout_minutes", Int),
    optional("stack_ensemble_settings", Nested(Shape::StackEnsembleSettings)),
    optional("training_mode", TRAINING_MODE_TY),
    optional("allowed_training_algorithms", COMPONENT_ALLOWED_TRAINING_ALGORITHMS_TY),
    optional("blocked_training_algorithms", COMPONENT_ALLOWED_TRAINING_ALGORITHMS_TY),
];

const REQUEST_LOGGING: &[Field] = &[optional("capture_headers", ListOf(&Str))];

const REQUEST_SETTINGS: &[Field] = &[
    optional("request_timeout_ms", Int),
    optional("max_concurrent_requests_per_instance", Int),
    optional("max_queue_wait_ms", Int),
];

const RESOURCE_REQUIREMENTS: &[Field] = &[
    optional("requests", Nested(Shape::ResourceSettings)),
    optional("limits", Nested(Shape::ResourceSettings)),
];

const RESOURCE_SETTINGS: &[Field] = &[optional("cpu", Str), optional("memory", Str), optional("gpu", Str)];

const RETRY_SETTINGS: &[Field] =
    &[optional("timeout", Union(&[Binding, Int])), optional("max_retries", Union(&[Binding, Int]))];

const ROUTE: &[Field] = &[required("port", Int), required("path", Str)];

const SPARK: &[Field] = &[
    read_only("$schema"),
    optional("code", OrNull(&Str)),
    optional("entry", Union(&[Binding, Nested(Shape::SparkEntryFile), Nested(Shape::SparkEntryClass)])),
    optional("py_files", ListOf(&Union(&[Binding, Str]))),
    optional("jars", ListOf(&Union(&[Binding, Str]))),
    optional("files", ListOf(&Union(&[Binding, Str]))),
    optional("archives", ListOf(&Union(&[Binding, Str]))),
    optional("conf", MapOf(&Union(&[Binding, Any]))),
    optional("properties", PROPERTIES_TY),
    optional("environment", OrNull(&NODE_ENVIRONMENT_TY)),
    optional("args", Str),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("comment", Str),
    required(
        "component",
        Union(&[
            Registry,
            ArmAnyVersion("components"),
            Open(Shape::AnonymousSparkComponent),
            ComponentFile(Shape::AnonymousSparkComponent),
        ]),
    ),
    optional("type", OneOf(&["spark"])),
    optional("compute", NODE_COMPUTE_TY),
    optional("resources", Nested(Shape::SparkResourceConfigurationForNode)),
    optional("identity", NODE_IDENTITY_TY),
];

const SPARK_COMPONENT: &[Field] = &[
    optional("code", CODE_TY),
    required("entry", ENTRY_TY),
    optional("py_files", ListOf(&Str)),
    optional("jars", ListOf(&Str)),
    optional("files", ListOf(&Str)),
    optional("archives", ListOf(&Str)),
    optional("conf", MapOf(&Any)),
    optional("properties", MapOf(&Any)),
    optional("environment", SPEC_ENVIRONMENT_TY),
    optional("args", Str),
    required("name", ComponentName),
    optional("id", ID_TY),
    optional("description", Str),
    optional("tags", MapOf(&Str)),
    optional("version", ComponentVersion),
    read_only("creation_context"),
    read_only("latest_version"),
    optional("auto_delete_setting", Nested(Shape::AutoDeleteSetting)),
    optional("$schema", Str),
    optional("display_name", Str),
    optional("is_deterministic", Bool),
    optional("inputs", SPEC_INPUTS_TY),
    optional("outputs", MapOf(&Nested(Shape::OutputPort))),
    optional("type", OneOf(&["spark"])),
    optional("additional_includes", ListOf(&Str)),
];

const SPARK_CREATE_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("job", Union(&[Arm("jobs"), LocalFile])),
    optional("type", OneOf(&["spark"])),
    optional("conf", MapOf(&Any)),
    optional("environment", SPEC_ENVIRONMENT_TY),
];

const SPARK_ENTRY_CLASS: &[Field] = &[required("class_name", Str), read_only("spark_job_entry_type")];

const SPARK_ENTRY_FILE: &[Field] = &[required("file", Str), read_only("spark_job_entry_type")];

const SPARK_JOB: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&Any)),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    optional("code", CODE_TY),
    required("entry", ENTRY_TY),
    optional("py_files", ListOf(&Str)),
    optional("jars", ListOf(&Str)),
    optional("files", ListOf(&Str)),
    optional("archives", ListOf(&Str)),
    optional("conf", MapOf(&Any)),
    optional("environment", SPEC_ENVIRONMENT_TY),
    optional("args", Str),
    required("type", OneOf(&["spark"])),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::SparkResourceConfiguration)),
];

const SPARK_RESOURCE_CONFIGURATION: &[Field] =
    &[optional("instance_type", Str), optional("runtime_version", Version)];

const SPARK_RESOURCE_CONFIGURATION_FOR_NODE: &[Field] = &[
    required(
        "instance_type",
        OneOf(&[
            "standard_e16s_v3",
            "standard_e32s_v3",
            "standard_e4s_v3",
            "standard_e64s_v3",
            "standard_e8s_v3",
        ]),
    ),
    required("runtime_version", Version),
];

const SSH_JOB_SERVICE: &[Field] = &[
    read_only("$schema"),
    optional("port", Int),
    read_only("endpoint"),
    read_only("status"),
    optional("nodes", Str),
    read_only("error_message"),
    optional("properties", Map),
    optional("type", OneOf(&["ssh"])),
    optional("ssh_public_keys", Str),
];

const STACK_ENSEMBLE_SETTINGS: &[Field] = &[
    optional("stack_meta_learner_kwargs", Map),
    optional("stack_meta_learner_train_percentage", Number),
    optional(
        "stack_meta_learner_type",
        SnakeOneOf(&[
            "elastic_net",
            "elastic_net_cv",
            "light_gbm_classifier",
            "light_gbm_regressor",
            "linear_regression",
            "logistic_regression",
            "logistic_regression_cv",
            "none",
        ]),
    ),
];

const STORED_PROCEDURE_PARAMS: &[Field] =
    &[optional("name", Str), optional("value", Str), optional("type", Str)];

const SWEEP: &[Field] = &[
    read_only("$schema"),
    optional("sampling_algorithm", SAMPLING_ALGORITHM_TY),
    optional(
        "search_space",
        MapOf(&Union(&[
            Binding,
            Nested(Shape::Choice),
            Nested(Shape::Uniform),
            Nested(Shape::QUniform),
            Nested(Shape::Normal),
            Nested(Shape::QNormal),
            Nested(Shape::Randint),
        ])),
    ),
    required("objective", Nested(Shape::SweepObjective)),
    optional("early_termination", EARLY_TERMINATION_TY),
    required("limits", Nested(Shape::SweepJobLimits)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("inputs", INPUTS_TY),
    optional("outputs", NODE_OUTPUTS_TY),
    optional("properties", PROPERTIES_TY),
    optional("comment", Str),
    optional("type", OneOf(&["sweep"])),
    optional("compute", NODE_COMPUTE_TY),
    required(
        "trial",
        Union(&[
            ArmAnyVersion("components"),
            Open(Shape::AnonymousCommandComponent),
            ComponentFile(Shape::AnonymousCommandComponent),
        ]),
    ),
];

const SWEEP_JOB: &[Field] = &[
    read_only("$schema"),
    optional(
        "sampling_algorithm",
        Union(&[
            OneOf(&["bayesian", "grid", "random"]),
            Nested(Shape::RandomSamplingAlgorithm),
            Nested(Shape::GridSamplingAlgorithm),
            Nested(Shape::BayesianSamplingAlgorithm),
        ]),
    ),
    optional(
        "search_space",
        MapOf(&Union(&[
            Nested(Shape::Choice),
            Nested(Shape::Uniform),
            Nested(Shape::QUniform),
            Nested(Shape::Normal),
            Nested(Shape::QNormal),
            Nested(Shape::Randint),
        ])),
    ),
    required("objective", Nested(Shape::SweepObjective)),
    optional(
        "early_termination",
        Union(&[
            Nested(Shape::BanditPolicy),
            Nested(Shape::MedianStoppingPolicy),
            Nested(Shape::TruncationSelectionPolicy),
        ]),
    ),
    required("limits", Nested(Shape::SweepJobLimits)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["sweep"])),
    required("trial", Nested(Shape::ParameterizedCommand)),
    optional("inputs", INPUTS_TY),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
];

const SWEEP_JOB_LIMITS: &[Field] = &[
    optional("max_concurrent_trials", Int),
    required("max_total_trials", Int),
    optional("timeout", Int),
    optional("trial_timeout", Int),
];

const SWEEP_OBJECTIVE: &[Field] =
    &[required("goal", SnakeOneOf(&["maximize", "minimize"])), required("primary_metric", Str)];

const TABLE_FEATURIZATION_SETTINGS: &[Field] = &[
    optional("dataset_language", Str),
    optional("mode", OneOf(&["auto", "custom", "off"])),
    optional(
        "blocked_transformers",
        ListOf(&SnakeOneOf(&[
            "cat_target_encoder",
            "count_vectorizer",
            "hash_one_hot_encoder",
            "label_encoder",
            "naive_bayes",
            "one_hot_encoder",
            "text_target_encoder",
            "tf_idf",
            "wo_e_target_encoder",
            "word_embedding",
        ])),
    ),
    optional("column_name_and_types", MapOf(&Union(&[Binding, Str]))),
    optional("transformer_params", MapOf(&ListOf(&Nested(Shape::ColumnTransformer)))),
    optional("enable_dnn_featurization", Bool),
];

const TARGET_UTILIZATION_SCALE_SETTINGS: &[Field] = &[
    required("type", SnakeOneOf(&["target_utilization"])),
    optional("polling_interval", Int),
    optional("target_utilization_percentage", Int),
    optional("min_instances", Int),
    optional("max_instances", Int),
];

const TENSOR_BOARD_JOB_SERVICE: &[Field] = &[
    read_only("$schema"),
    optional("port", Int),
    read_only("endpoint"),
    read_only("status"),
    optional("nodes", Str),
    read_only("error_message"),
    optional("properties", Map),
    optional("type", OneOf(&["tensor_board"])),
    optional("log_dir", Str),
];

const TENSOR_FLOW_DISTRIBUTION: &[Field] = &[
    required("type", OneOf(&["tensorflow"])),
    optional("parameter_server_count", Int),
    optional("worker_count", Int),
];

const TEXT_CLASSIFICATION: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", Nested(Shape::MlTableInput)),
    required("task", SnakeOneOf(&["text_classification"])),
    optional("primary_metric", PRIMARY_METRIC_TY),
    required("target_column_name", Str),
];

const TEXT_CLASSIFICATION_MULTILABEL: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", Nested(Shape::MlTableInput)),
    required("task", SPEC_TASK_TY),
    optional("primary_metric", SnakeOneOf(&["accuracy"])),
    required("target_column_name", Str),
];

const TEXT_NER: &[Field] = &[
    read_only("$schema"),
    optional("name", Str),
    read_only("id"),
    optional("description", Str),
    optional("tags", MapOf(&OrNull(&Str))),
    read_only("creation_context"),
    optional("services", SERVICES_TY),
    optional("display_name", Str),
    read_only("status"),
    optional("experiment_name", Str),
    optional("properties", MapOf(&OrNull(&Str))),
    read_only("log_files"),
    optional("compute", COMPUTE_TY),
    optional("identity", IDENTITY_TY),
    required("type", OneOf(&["automl"])),
    optional("environment_id", Str),
    optional("environment_variables", MapOf(&Str)),
    optional("outputs", MapOf(&OrNull(&Nested(Shape::Output)))),
    optional("resources", Nested(Shape::JobResourceConfiguration)),
    optional("queue_settings", Nested(Shape::QueueSettings)),
    optional("log_verbosity", LOG_VERBOSITY_TY),
    optional("training_data", Nested(Shape::MlTableInput)),
    optional("limits", Nested(Shape::NlpLimits)),
    optional("sweep", Nested(Shape::NlpSweepSettings)),
    optional("training_parameters", Nested(Shape::NlpFixedParameters)),
    optional("search_space", ListOf(&Nested(Shape::NlpParameterSubspace))),
    optional("featurization", Nested(Shape::NlpFeaturizationSettings)),
    optional("validation_data", Nested(Shape::MlTableInput)),
    required("task", SnakeOneOf(&["text_ner"])),
    optional("primary_metric", SnakeOneOf(&["accuracy"])),
    optional("target_column_name", Str),
];

const TRUNCATION_SELECTION_POLICY: &[Field] = &[
    optional("evaluation_interval", OrNull(&Int)),
    optional("delay_evaluation", OrNull(&Int)),
    required("type", SnakeOneOf(&["truncation_selection"])),
    required("truncation_percentage", Int),
];

const UNIFORM: &[Field] = &[
    required("type", OneOf(&["loguniform", "uniform"])),
    required("min_value", Union(&[Binding, WholeOnly, Number])),
    required("max_value", Union(&[Binding, WholeOnly, Number])),
];

const USER_IDENTITY: &[Field] = &[required("type", SnakeOneOf(&["user_identity"]))];

const VS_CODE_JOB_SERVICE: &[Field] = &[
    read_only("$schema"),
    optional("port", Int),
    read_only("endpoint"),
    read_only("status"),
    optional("nodes", Str),
    read_only("error_message"),
    optional("properties", Map),
    optional("type", OneOf(&["vs_code"])),
];

const AML_COMPUTE: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    read_only("id"),
    required("type", OneOf(&["amlcompute"])),
    optional("location", Str),
    optional("description", Str),
    read_only("provisioning_errors"),
    read_only("created_on"),
    read_only("provisioning_state"),
    optional("resource_id", Str),
    optional("tags", MapOf(&Str)),
    optional("size", Str),
    optional("tier", OneOf(&["low_priority", "dedicated"])),
    optional("min_instances", Int),
    optional("max_instances", Int),
    optional("idle_time_before_scale_down", Int),
    optional("ssh_public_access_enabled", Bool),
    optional("ssh_settings", Nested(Shape::AmlComputeSshSettings)),
    optional("network_settings", Nested(Shape::NetworkSettings)),
    optional("identity", Nested(Shape::ComputeIdentity)),
    optional("enable_node_public_ip", Bool),
];

const AML_COMPUTE_SSH_SETTINGS: &[Field] =
    &[required("admin_username", Str), optional("admin_password", Str), optional("ssh_key_value", Str)];

const COMPUTE_IDENTITY: &[Field] = &[
    required(
        "type",
        SnakeOneOf(&["system_assigned", "user_assigned", "none", "system_assigned,_user_assigned"]),
    ),
    optional("user_assigned_identities", ListOf(&Nested(Shape::UserAssignedIdentity))),
    read_only("principal_id"),
    read_only("tenant_id"),
];

const COMPUTE_INSTANCE: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    read_only("id"),
    required("type", OneOf(&["computeinstance"])),
    optional("location", Str),
    optional("description", Str),
    read_only("provisioning_errors"),
    read_only("created_on"),
    read_only("provisioning_state"),
    optional("resource_id", Str),
    optional("tags", MapOf(&Str)),
    optional("size", Str),
    optional("network_settings", Nested(Shape::NetworkSettings)),
    optional("create_on_behalf_of", Nested(Shape::CreateOnBehalfOf)),
    optional("ssh_settings", Nested(Shape::ComputeInstanceSshSettings)),
    optional("ssh_public_access_enabled", Bool),
    read_only("state"),
    read_only("last_operation"),
    read_only("services"),
    optional("schedules", Map),
    optional("identity", Nested(Shape::ComputeIdentity)),
    optional("idle_time_before_shutdown", Str),
    optional("idle_time_before_shutdown_minutes", Int),
    optional("custom_applications", ListOf(&Map)),
    optional("setup_scripts", Map),
    read_only("os_image_metadata"),
    optional("enable_node_public_ip", Bool),
    optional("enable_sso", Bool),
    optional("enable_root_access", Bool),
    optional("release_quota_on_stop", Bool),
    optional("enable_os_patching", Bool),
];

const COMPUTE_INSTANCE_SSH_SETTINGS: &[Field] =
    &[read_only("admin_username"), read_only("ssh_port"), optional("ssh_key_value", Str)];

const CREATE_ON_BEHALF_OF: &[Field] = &[required("user_tenant_id", Str), required("user_object_id", Str)];

const KUBERNETES_COMPUTE: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    read_only("id"),
    required("type", OneOf(&["kubernetes"])),
    optional("location", Str),
    optional("description", Str),
    read_only("provisioning_errors"),
    read_only("created_on"),
    read_only("provisioning_state"),
    optional("resource_id", Str),
    optional("tags", MapOf(&Str)),
    required("namespace", Str),
    optional("properties", Map),
    optional("identity", Nested(Shape::ComputeIdentity)),
];

const NETWORK_SETTINGS: &[Field] = &[
    optional("vnet_name", Str),
    optional("subnet", Str),
    read_only("public_ip_address"),
    read_only("private_ip_address"),
];

const USER_ASSIGNED_IDENTITY: &[Field] = &[
    optional("resource_id", Str),
    read_only("principal_id"),
    read_only("client_id"),
    read_only("tenant_id"),
];

const VIRTUAL_MACHINE_COMPUTE: &[Field] = &[
    read_only("$schema"),
    required("name", Str),
    read_only("id"),
    required("type", OneOf(&["virtualmachine"])),
    optional("location", Str),
    optional("description", Str),
    read_only("provisioning_errors"),
    read_only("created_on"),
    read_only("provisioning_state"),
    required("resource_id", Str),
    optional("tags", MapOf(&Str)),
    read_only("compute_location"),
    optional("ssh_settings", Nested(Shape::VirtualMachineSshSettings)),
];

const VIRTUAL_MACHINE_SSH_SETTINGS: &[Field] = &[
    required("admin_username", Str),
    optional("admin_password", Str),
    optional("ssh_port", Int),
    optional("ssh_private_key_file", Str),
];
